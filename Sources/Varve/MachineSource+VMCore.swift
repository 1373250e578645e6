extension MachineSource {
  /// The VMCOREINFO of the guest's kernel: its bytes, and how it was found.
  struct KernelInformation {
    let bytes: ByteView
    let report: VMCoreInfoReport
  }

  /// VMCOREINFO by the note that came with the source, else found in guest memory; nil if there is
  /// none that can be believed. `rejected` then gets what was seen instead. Unless `isThorough`, what
  /// looks like it where no kernel keeps it isn't told as long as something is found.
  func kernelInformation(
    isThorough: Bool = true, progress: ProgressHandler, rejected: inout [RejectedVMCoreInfo]
  ) -> KernelInformation? {
    if let bytes = machine.vmcoreInfo {
      let info = VMCoreInfo(text: String(decoding: bytes))
      return KernelInformation(
        bytes: bytes,
        report: VMCoreInfoReport(
          release: info.release, address: nil, evidence: ["VMCOREINFO: from the input's own note"]))
    }
    progress(ProgressStep(what: "looking for VMCOREINFO in guest memory", done: 0, total: nil))
    defer { progress(nil) }
    var search = VMCoreInfoSearch(machine, release: release)
    search.readsKernelPlacesOnly = !isThorough
    var survey = search.survey()
    if survey.found == nil, !isThorough {
      search.readsKernelPlacesOnly = false
      survey = search.survey()
    }
    guard let found = survey.found else {
      rejected = survey.rejected
      return nil
    }
    return KernelInformation(
      bytes: found.bytes,
      report: VMCoreInfoReport(
        release: found.info.release, address: found.address.description,
        evidence: found.evidence
          + found.rejected.prefix(Self.rejectionLimit).map { "rejected: \($0)" }))
  }

  /// More rejected places than these nobody reads about.
  static let rejectionLimit = 16

  /// Lets go of bytes that were read from a mapped file.
  var release: @Sendable (ByteView) -> Void {
    let windows = files.map { ReleasingWindows(file: $0) }
    return { view in for window in windows { window.release(view) } }
  }

  /// Writes the machine's memory to `output`, `-` for standard output. Throws a `VarveError` that
  /// names the file at fault.
  public func writeVMCore(
    to output: String, options: VMCoreOptions, replacing: Bool = false,
    progress: ProgressHandler = .silent
  ) throws(VarveError) -> VMCoreReport {
    var options = options
    var rejected: [RejectedVMCoreInfo] = []
    let kernel =
      options.format == .raw
      ? nil : kernelInformation(isThorough: false, progress: progress, rejected: &rejected)
    options.vmcoreInfo = kernel?.bytes
    var warnings = warnings + checks(isThorough: false).refutations
    if kernel == nil, options.format != .raw {
      warnings.append(
        "no VMCOREINFO: neither the input nor guest memory holds one that can be believed; drgn and crash may refuse the output"
      )
      warnings += rejected.prefix(Self.rejectionLimit).map { "\($0)" }
    }
    if let level = options.level {
      options.exclusion = try exclusion(
        at: level, kernel, progress: progress, warnings: &warnings)
    }
    let summary: VMCoreSummary
    do {
      var writer = VMCoreWriter(machine, options)
      writer.release = release
      writer.files = files
      summary =
        output == "-"
        ? try writer.writeToStandardOutput(progress: progress)
        : try writer.write(
          to: output, inputs: Array(untouchable), replacing: replacing, progress: progress)
      progress(nil)
    } catch {
      progress(nil)
      throw VarveError(file: output == "-" ? "standard output" : output, reason: "\(error)")
    }
    return VMCoreReport(
      input: path, output: output, format: options.format, summary: summary,
      cpus: machine.cpus.count, vmcoreInfo: kernel?.report, warnings: warnings + summary.remarks)
  }
}

extension MachineSource {
  /// The pages that `level` leaves out besides those of zeros, by what the guest's kernel says of
  /// them. Throws if the level can't be had without asking it and it can't be asked.
  private func exclusion(
    at level: DumpLevel, _ kernel: KernelInformation?, progress: ProgressHandler,
    warnings: inout [String]
  ) throws(VarveError) -> PageExclusion? {
    guard !level.isDisjoint(with: .needingKernel) else { return nil }
    guard let kernel else {
      throw VarveError(
        file: path,
        reason: "level \(level.rawValue) needs the guest kernel's VMCOREINFO, and there is none")
    }
    progress(ProgressStep(what: "asking the guest's kernel about its pages", done: 0, total: nil))
    defer { progress(nil) }
    do throws(LinuxGuestError) {
      var filter = try PageFilter(machine, VMCoreInfo(text: String(decoding: kernel.bytes)))
      filter.release = release
      let found = filter.excluded(at: level)
      if found.undecided > 0 {
        warnings.append(
          "\(found.undecided) pages stay for want of the kernel's descriptor of them")
      }
      return found.pages
    } catch {
      throw VarveError(file: path, reason: "level \(level.rawValue): \(error)")
    }
  }
}
