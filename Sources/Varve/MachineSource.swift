/// How to get at the machine in a file.
public struct MachineOptions: Sendable {
  /// Where the files are that a QEMU process's core refers to.
  public var places = DebugFilePlaces()
  /// Where the guest's memory is in QEMU's process, told by the user; empty to search.
  public var givenRAM: [GivenRAM] = []
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
  /// The mapped files that memory comes from.
  let files: [MappedFile]
  /// The files that were given, which no output may replace. One that was packed isn't the one that
  /// is mapped.
  let inputs: [FileIdentity]
  /// What was damaged or missing when it was opened, a line each.
  public let warnings: [String]

  /// Opens `path`: a core of a QEMU process, a vmcore, `FILE@ADDR` for raw memory, or `pid:N` for a
  /// QEMU that runs. Throws a `VarveError` that names the file.
  public init(
    opening path: String, options: MachineOptions = MachineOptions(),
    progress: ProgressHandler = .silent
  ) throws(VarveError) {
    do {
      switch try Subject(opening: path, options: options, progress: progress) {
      case .machine(let source): self = source
      case .process(let dump):
        try self.init(hostedBy: dump, options: options, progress: progress)
      case .live(let process): try self.init(running: process, as: path, options: options)
      }
    } catch let error as VarveError {
      throw error
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }

  /// The machine in the QEMU process that `dump` is of. Throws if none is found there.
  public init(
    hostedBy dump: CoreDump, options: MachineOptions = MachineOptions(),
    progress: ProgressHandler = .silent
  ) throws {
    let windows = ReleasingWindows(file: dump.file.mapped)
    let ramFiles = try RAMFiles(options.ramFiles)
    progress(ProgressStep(what: "looking for the machine in \(dump.path)", done: 0, total: nil))
    defer { progress(nil) }
    let found = try Self.find(in: dump.process, options, ramFiles, windows: windows)
    path = dump.path
    kind = "machine in a core of QEMU"
    host = dump.process
    files = [dump.file.mapped] + ramFiles.files
    inputs = [dump.file.identity] + ramFiles.files.map(\.identity)
    var memory = found.machine.memory
    for file in files { memory = try memory.markingHoles(of: file) }
    machine = Machine(found.machine, memory: memory)
    warnings = dump.warnings + found.machine.diagnostics + found.unused
  }

  /// The machine in a QEMU that runs, read without stopping it.
  init(running process: Process, as path: String, options: MachineOptions) throws {
    let ramFiles = try RAMFiles(options.ramFiles)
    let found = try Self.find(in: process, options, ramFiles, windows: MappedWindows())
    self.path = path
    kind = "machine in a running QEMU"
    host = process
    files = ramFiles.files
    inputs = files.map(\.identity)
    let isPaused = options.qmpSocket != nil
    machine =
      isPaused
      ? found.machine
      : Machine(
        found.machine, cpus: found.machine.cpus.map(\.torn),
        addingDiagnostics: [
          "read while it ran: memory and registers needn't belong together (--qmp SOCKET pauses it)"
        ])
    warnings = process.diagnostics + machine.diagnostics + found.unused
  }

  /// The machine in `process`; what is missing of its memory comes from `ramFiles`.
  private static func find(
    in process: Process, _ options: MachineOptions, _ ramFiles: RAMFiles,
    windows: some MemoryWindows
  ) throws(MachineError) -> (machine: Machine, unused: [String]) {
    var ways = QEMUMachine.Options()
    // Memory that the user names is meant to take the place of all that would be found.
    ways.usesDebugInformation = options.givenRAM.isEmpty
    let search = QEMUMachine.search(given: options.givenRAM, windows: windows)
    let found = try QEMUMachine.find(in: process, options: ways, search: search)
    let (standIns, unused) = ramFiles.standIns(for: found.absentBackings)
    guard !standIns.isEmpty else { return (found.machine, unused) }
    let completed = QEMUMachine(found.findings, in: process, standIns: standIns)
    let evidence = Set(standIns.map(\.source)).sorted().map {
      "memory that the core leaves out is taken from \($0), as that file is now"
    }
    return (Machine(completed.machine, addingEvidence: evidence), unused)
  }

  init(
    _ dump: MachineDump, path: String, files: [MappedFile], inputs: [FileIdentity],
    warnings: [String] = []
  ) {
    self.path = path
    kind = "dump of a machine, \(dump.format)"
    machine = dump.machine
    host = nil
    self.files = files
    self.inputs = inputs
    self.warnings = warnings + dump.machine.diagnostics
  }
}

extension MachineSource {
  /// Opens `path`, shows it to `body`, and lets go of it. A running QEMU whose monitor is given is
  /// paused meanwhile, and runs again afterwards if it ran before; that it couldn't be made to run
  /// again is an error.
  public static func withOpened<Result>(
    _ path: String, options: MachineOptions, progress: ProgressHandler,
    _ body: (MachineSource) throws -> Result
  ) throws -> Result {
    guard let socket = options.qmpSocket else {
      return try body(MachineSource(opening: path, options: options, progress: progress))
    }
    guard Subject.processID(path) != nil else {
      throw VarveError(file: path, reason: "--qmp goes with a running QEMU only: pid:N")
    }
    let pause: PausedMachine
    do throws(QMPError) {
      pause = try PausedMachine(monitor: socket)
    } catch {
      throw VarveError(file: socket, reason: "\(error)")
    }
    let result = try body(MachineSource(opening: path, options: options, progress: progress))
    do throws(QMPError) {
      try pause.resume()
    } catch {
      throw VarveError(file: socket, reason: "the guest stays paused: \(error)")
    }
    return result
  }
}
