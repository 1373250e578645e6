extension MachineSource {
  /// How the types called `name` of the guest's Linux kernel lie in memory, or the prototype of the
  /// function called so. Throws a `VarveError` if the kernel isn't found, or has no such name.
  public func typeLayout(
    named name: String, progress: ProgressHandler = .silent
  ) throws(VarveError) -> TypeLayoutReport {
    let kernel = try linuxKernel(progress: progress)
    let (sources, problems) = TypeSource.all(of: kernel)
    do throws(SymbolError) {
      return TypeLayoutReport(
        file: path, name: name,
        types: try TypeLayoutReporter.layouts(named: name, in: sources),
        warnings: warnings(about: kernel) + problems)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }

  /// The value of a C expression over the data of the guest's Linux kernel.
  public func printed(
    _ expression: String, options: FormatOptions = FormatOptions(),
    progress: ProgressHandler = .silent
  ) throws(VarveError) -> PrintReport {
    let kernel = try linuxKernel(progress: progress)
    let (sources, problems) = TypeSource.all(of: kernel)
    do throws(CExpressionError) {
      var report = try PrintContext(kernel, sources: sources)
        .report(expression, file: path, options: options)
      report.warnings = warnings(about: kernel) + problems
      return report
    } catch {
      throw VarveError(file: path, reason: "\(expression): \(error)")
    }
  }
}
