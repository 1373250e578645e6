extension MachineSource {
  /// The Linux kernel that the guest runs, found by what its memory holds. Throws a `VarveError` that
  /// says what was tried.
  public func linuxKernel(
    progress: ProgressHandler = .silent
  ) throws(VarveError) -> LinuxKernel {
    progress(
      ProgressStep(what: "looking for a Linux kernel in guest memory", done: 0, total: nil))
    defer { progress(nil) }
    do throws(LinuxGuestError) {
      return try LinuxKernel.find(in: machine, release: release)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }
}

extension MachineSource {
  /// What `varve modules` shows.
  public func modules(progress: ProgressHandler = .silent) throws(VarveError) -> KernelModulesReport
  {
    let kernel = try linuxKernel(progress: progress)
    do throws(StructureError) {
      return KernelModulesReport(
        file: path, release: kernel.release, modules: try kernel.modules(),
        warnings: warnings + kernel.diagnostics)
    } catch {
      throw VarveError(file: path, reason: "its kernel's modules: \(error)")
    }
  }

  /// What `varve sym` shows of names and addresses.
  public func symbols(
    _ queries: [String], progress: ProgressHandler = .silent
  ) throws(VarveError) -> SymbolsReport {
    let kernel = try linuxKernel(progress: progress)
    let search = SymbolSearch(kernel: kernel)
    return SymbolsReport(
      file: path, release: kernel.release,
      lookups: queries.map {
        SymbolLookupReport(query: $0, matches: search.matches(for: SymbolQuery($0)))
      },
      warnings: warnings + kernel.diagnostics)
  }
}
