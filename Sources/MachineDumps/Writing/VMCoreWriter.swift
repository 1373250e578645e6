public import Bytes
public import HostSystem
public import Targets

/// Writes a machine's memory, and of its CPUs what the format has a place for.
public struct VMCoreWriter: Sendable {
  public let machine: Machine
  public let options: VMCoreOptions
  /// Called, by any thread, with bytes of the machine's memory that have been dealt with: whoever
  /// mapped them from a file can let their pages go, so that memory stays within bounds. They may be
  /// read once more.
  public var release: @Sendable (ByteView) -> Void = { _ in }

  /// Mapped files that some of the machine's memory is of: what has only to be copied is read from
  /// them past the mapping, which is faster.
  public var files: [MappedFile] = []

  public init(_ machine: Machine, _ options: VMCoreOptions) {
    self.machine = machine
    self.options = options
  }

  /// Writes the file `path`, which appears complete or not at all, readable by its owner only. It
  /// is not forced to disk: the file system does that in its own time, as after `cp`.
  ///
  /// - Parameters:
  ///   - inputs: files that the output must not be, under whatever name.
  ///   - replacing: whether an existing file may be replaced.
  public func write(
    to path: String, inputs: [FileIdentity] = [], replacing: Bool = false,
    progress: ProgressHandler = .silent
  ) throws(VMCoreError) -> VMCoreSummary {
    let output = try hosted { () throws(HostError) in
      try AtomicOutputFile(path, inputs: inputs, replacing: replacing)
    }
    let summary = try write(to: output, progress: progress)
    try hosted { () throws(HostError) in try output.commit(synchronizing: false) }
    return summary
  }

  /// Writes to standard output from front to back: kdump formats in makedumpfile's flattened form,
  /// the others as they are. Throws `.host(.outputIsTerminal)` if that is a terminal.
  public func writeToStandardOutput(
    progress: ProgressHandler = .silent
  ) throws(VMCoreError) -> VMCoreSummary {
    let stream = try hosted { () throws(HostError) in try StreamOutput.standardOutput() }
    return try write(to: stream, progress: progress)
  }

  /// Writes to a stream as `writeToStandardOutput` does.
  public func write(
    to stream: StreamOutput, progress: ProgressHandler = .silent
  ) throws(VMCoreError) -> VMCoreSummary {
    guard options.format.pageCompression != nil else {
      return try write(to: stream as any DumpOutput, progress: progress)
    }
    return try write(to: FlattenedOutput(stream) as any DumpOutput, progress: progress)
  }

  /// Writes to `output` and finishes it.
  public func write(
    to output: any DumpOutput, progress: ProgressHandler = .silent
  ) throws(VMCoreError) -> VMCoreSummary {
    if let compression = options.format.pageCompression {
      let notes = MachineNotes(machine, vmcoreInfo: options.vmcoreInfo?.copy())
      var writer = KdumpWriter(
        machine, compression: compression, options: options, notes: notes.bytes)
      writer.release = release
      var summary = try writer.write(to: output, progress: progress)
      summary.remarks = notes.remarks + summary.remarks
      return summary
    }
    return options.format == .raw
      ? try RawDumpWriter(machine: machine, options: options, files: files, release: release)
        .write(to: output, progress)
      : try ELFDumpWriter(machine: machine, options: options, files: files, release: release)
        .write(to: output, progress)
  }
}
