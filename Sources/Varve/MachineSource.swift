/// How to get at the machine in a file.
public struct MachineOptions: Sendable {
  /// Where the files are that a QEMU process's core refers to.
  public var places = DebugFilePlaces()
  /// Files behind guest memory that a core leaves out: `FILE` or `BLOCK=FILE`.
  public var ramFiles: [String] = []
  /// The QMP socket of a running QEMU, which is paused while it is read.
  public var qmpSocket: String?

  public init() {}
}

/// What a path names, opened as a machine: a dump of one, or the QEMU process that it runs in.
public struct MachineSource: Sendable {
  /// The input as it was given.
  public let path: String
  /// "core of a QEMU process", "ELF", …
  public let kind: String
  public let machine: Machine
  /// The QEMU process that the machine is in; nil for a dump of the machine alone.
  public let host: Process?
  /// The mapped files that memory comes from, and which no output may replace.
  let files: [MappedFile]
  /// What was damaged or missing when it was opened, a line each.
  public let warnings: [String]

  /// Opens `path`: a core of a QEMU process, a vmcore, or `FILE@ADDR` for raw memory. Throws a
  /// `VarveError` that names the file.
  public init(
    opening path: String, options: MachineOptions = MachineOptions(),
    progress: ProgressHandler = .silent
  ) throws(VarveError) {
    switch try Subject(opening: path, options: options, progress: progress) {
    case .machine(let source): self = source
    case .process(let dump):
      do throws(MachineError) {
        try self.init(hostedBy: dump, options: options, progress: progress)
      } catch {
        throw VarveError(file: path, reason: "\(error)")
      }
    }
  }

  /// The machine in the QEMU process that `dump` is of. Throws if none is found there.
  public init(
    hostedBy dump: CoreDump, options: MachineOptions = MachineOptions(),
    progress: ProgressHandler = .silent
  ) throws(MachineError) {
    let found = try QEMUMachine.find(in: dump.process)
    path = dump.path
    kind = "machine in a core of QEMU"
    host = dump.process
    files = [dump.file.mapped]
    machine = found.machine
    warnings = dump.warnings + found.machine.diagnostics
  }

  init(
    _ dump: MachineDump, path: String, files: [MappedFile], warnings: [String] = []
  ) {
    self.path = path
    kind = "dump of a machine, \(dump.format)"
    machine = dump.machine
    host = nil
    self.files = files
    self.warnings = warnings + dump.machine.diagnostics
  }
}
