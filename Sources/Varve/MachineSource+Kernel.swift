extension MachineSource {
  /// The Linux kernel that the guest runs, found by what its memory holds. If its image doesn't
  /// describe its types, its vmlinux does, if one is found in `places` or, with nil, where the input's
  /// files are looked for. Throws a `VarveError` that says what was tried.
  public func linuxKernel(
    places: DebugFilePlaces? = nil, progress: ProgressHandler = .silent
  ) throws(VarveError) -> LinuxKernel {
    progress(
      ProgressStep(what: "looking for a Linux kernel in guest memory", done: 0, total: nil))
    defer { progress(nil) }
    let kernel: LinuxKernel
    do throws(LinuxGuestError) {
      kernel = try LinuxKernel.find(in: machine, release: release)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
    if kernel.hasTypes { return kernel }
    let search = KernelDebugSearch(
      kernel, host: host, places: places ?? self.places, isWanted: true, progress: progress)
    guard let file = search.file else { return kernel.adding(diagnostics: search.warnings) }
    do throws(SymbolError) {
      return try kernel.withTypes(of: file)
    } catch {
      return kernel.adding(
        diagnostics: ["\(file.path): its debug information can't be read: \(error)"])
    }
  }

  /// Why something of `kernel` can't be read: `error`, and that there are no types, if that is so.
  func reason(_ error: some Error, in kernel: LinuxKernel) -> String {
    if kernel.hasTypes { return "\(error)" }
    return (["\(error)"] + kernel.diagnostics).joined(separator: "; ")
  }

  /// What is wrong with the input and with `kernel`, a line each. That a file isn't the QEMU
  /// process's means nothing if it is the kernel's.
  func warnings(about kernel: LinuxKernel) -> [String] {
    let own = warnings.filter { line in
      kernel.typesFile.map { !line.hasPrefix("\($0.path) is not used:") } ?? true
    }
    return own + kernel.diagnostics
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
        warnings: warnings(about: kernel))
    } catch {
      throw VarveError(file: path, reason: "its kernel's modules: \(reason(error, in: kernel))")
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
      warnings: warnings(about: kernel))
  }
}
