extension MachineSource {
  /// The VMCOREINFO of the guest's kernel: its bytes, and how it was found.
  struct KernelInformation {
    let bytes: ByteView
    let report: VMCoreInfoReport
  }

  /// VMCOREINFO by the note that came with the source, else found in guest memory; nil if there is
  /// none.
  func kernelInformation(progress: ProgressHandler) -> KernelInformation? {
    if let bytes = machine.vmcoreInfo {
      let info = VMCoreInfo(text: String(decoding: bytes))
      return KernelInformation(
        bytes: bytes,
        report: VMCoreInfoReport(
          release: info.release, address: nil, evidence: ["VMCOREINFO: from the input's own note"]))
    }
    progress(ProgressStep(what: "looking for VMCOREINFO in guest memory", done: 0, total: nil))
    defer { progress(nil) }
    guard let found = VMCoreInfoSearch(machine, release: release).find() else { return nil }
    return KernelInformation(
      bytes: found.bytes,
      report: VMCoreInfoReport(
        release: found.info.release, address: found.address.description,
        evidence: found.evidence + found.rejected.map { "rejected: \($0)" }))
  }

  /// Lets go of bytes that were read from a mapped file.
  private var release: @Sendable (ByteView) -> Void {
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
    let kernel = options.format == .raw ? nil : kernelInformation(progress: progress)
    options.vmcoreInfo = kernel?.bytes
    var warnings = warnings
    if kernel == nil, options.format != .raw {
      warnings.append(
        "no VMCOREINFO: neither the input nor guest memory holds one; drgn and crash may refuse the output"
      )
    }
    let summary: VMCoreSummary
    do {
      var writer = VMCoreWriter(machine, options)
      writer.release = release
      summary =
        output == "-"
        ? try writer.writeToStandardOutput(progress: progress)
        : try writer.write(
          to: output, inputs: inputs, replacing: replacing, progress: progress)
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
