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
  /// Which files no output may replace.
  let untouchable: Set<FileIdentity>
  /// Where files are looked for that what's inside refers to.
  let places: DebugFilePlaces
  /// What was damaged or missing when it was opened, a line each.
  public let warnings: [String]

  /// Opens `path`: a core of a QEMU process, a vmcore, `FILE@ADDR` for raw memory, or `pid:N` for a
  /// QEMU that runs, which `withOpened` pauses and this doesn't. Throws a `VarveError` that names
  /// the file.
  public init(
    opening path: String, options: MachineOptions = MachineOptions(),
    progress: ProgressHandler = .silent
  ) throws(VarveError) {
    try self.init(opening: path, options: options, pause: nil, progress: progress)
  }

  /// Likewise; `pause` tells how the QEMU that runs is kept from running its guest.
  private init(
    opening path: String, options: MachineOptions, pause: String?, progress: ProgressHandler
  ) throws(VarveError) {
    do {
      switch try Subject(opening: path, options: options, progress: progress) {
      case .machine(let source):
        guard options.givenRAM.isEmpty, options.ramFiles.isEmpty else {
          throw VarveError(
            file: path, reason: "--ram and --ram-file go with a QEMU process, and this is a machine"
          )
        }
        self = source
      case .process(let dump):
        try self.init(hostedBy: dump, options: options, progress: progress)
      case .live(let qemu): try self.init(in: qemu, options: options, pause: pause)
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
    // A packed core isn't the file that is mapped.
    untouchable = Set([dump.file.identity] + ramFiles.files.map(\.identity))
    places = options.places
    var memory = found.machine.memory
    for file in files { memory = try memory.markingHoles(of: file) }
    machine = Machine(found.machine, memory: memory)
    warnings = dump.warnings + found.machine.diagnostics + found.unused
  }

  /// The machine in a QEMU that runs. Nil for `pause` means that the guest runs on meanwhile.
  init(in qemu: RunningInput, options: MachineOptions, pause: String?) throws {
    let ramFiles = try RAMFiles(options.ramFiles)
    let found = try Self.find(in: qemu.process, options, ramFiles, windows: MappedWindows())
    path = qemu.path
    kind = "machine in a running QEMU"
    host = qemu.process
    files = ramFiles.files
    untouchable = qemu.mappedFiles.union(files.map(\.identity))
    places = options.places
    if let pause {
      machine = Machine(found.machine, addingEvidence: ["read through \(pause)"])
    } else {
      machine = Machine(
        found.machine, cpus: found.machine.cpus.map(\.torn),
        addingDiagnostics: [
          "read while it ran: memory and registers needn't belong together (--qmp SOCKET pauses it)"
        ])
    }
    warnings = qemu.process.diagnostics + machine.diagnostics + found.unused
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
    let caution = Set(standIns.map(\.source)).sorted().map {
      "memory that the core leaves out is taken from \($0), as that file is now"
    }
    return (Machine(completed.machine, addingDiagnostics: caution), unused)
  }

  init(
    _ dump: MachineDump, path: String, files: [MappedFile], inputs: [FileIdentity],
    places: DebugFilePlaces, warnings: [String] = []
  ) {
    self.path = path
    kind = "dump of a machine, \(dump.format)"
    machine = dump.machine
    host = nil
    self.files = files
    untouchable = Set(inputs)
    self.places = places
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
    try GuestPause.during(path, options) { pause in
      try body(MachineSource(opening: path, options: options, pause: pause, progress: progress))
    }
  }
}
