import DebugFiles
public import ObjectFiles
public import Targets

extension InfoReport {
  /// What `core` and the process made of it hold.
  public init(file: String, core: CoreFile, process: Process, warnings: [String]) {
    self.init(
      file: file, kind: core.kind == .process ? "core of a process" : "dump of a machine",
      architecture: process.architecture.name,
      process: core.processInfo.map(ProcessReport.init),
      signal: SignalReport(of: core), threadCount: core.threads.count,
      memory: MemoryReport(process.memory),
      modules: process.modules.map(ModuleReport.init), warnings: warnings)
  }
}

extension InfoReport {
  /// What a process that runs holds.
  public init(file: String, facts: RunningProcess, process: Process) {
    self.init(
      file: file, kind: "running process", architecture: process.architecture.name,
      process: ProcessReport(facts), threadCount: process.threads.count,
      memory: MemoryReport(process.memory),
      modules: process.modules.map(ModuleReport.init), warnings: process.diagnostics)
  }
}

extension ProcessReport {
  init(_ info: CoreProcessInfo) {
    self.init(
      pid: info.processID, parent: info.parentID, user: info.userID, name: info.name,
      arguments: info.arguments)
  }
}

extension ProcessReport {
  init(_ facts: RunningProcess) {
    self.init(
      pid: facts.processID, parent: facts.parentID, user: facts.userID, name: facts.name,
      arguments: facts.arguments)
  }
}

extension MemoryReport {
  public init(_ memory: AddressSpace) {
    self.init()
    for region in memory.regions {
      switch region.contents {
      case .dumped: dumped += region.count
      case .fetched: running = (running ?? 0) + region.count
      case .file: fromFiles += region.count
      case .absent(.truncated): truncated += region.count
      case .absent: excluded += region.count
      }
    }
  }
}

extension ModuleReport {
  init(_ module: Module) {
    let files = module.files
    self.init(
      path: module.path, start: module.range.lowerBound.description,
      end: module.range.upperBound.description, buildID: module.buildID?.description,
      binary: files?.binary?.path, isInDump: files == nil, debug: files?.debugFile?.path,
      evidence: files.map(Self.evidence) ?? ["in the dump itself"])
  }
}

extension ModuleReport {
  /// How each file was found, and which candidates were refused for more than being absent.
  static func evidence(_ files: ModuleFiles) -> [String] {
    let found = [
      ("binary", files.binary), ("debug information", files.debugFile),
      ("shared debug information", files.alternateFile), ("packed symbols", files.miniDebugInfo),
    ]
    return found.compactMap { what, file in
      file.map { "\(what): \($0.path) (\($0.place); \($0.verification))" }
    } + files.rejected.filter { !$0.reason.isAbsence }.map { "refused: \($0)" }
  }
}

extension SignalReport {
  /// The signal of the thread that was dumped first; nil if it had none, as in a core that a
  /// debugger took of a running process.
  init?(of core: CoreFile) {
    guard let thread = core.threads.first else { return nil }
    let number = Int32(thread.status.currentSignal)
    guard number != 0 else { return nil }
    var cause: String?
    if let info = thread.signalInfo, info.signal == number { cause = info.causeInWords }
    self.init(number: number, name: Signal.name(number), cause: cause)
  }
}

/// Linux signal numbers (asm-generic/signal.h, which x86-64 and AArch64 use).
enum Signal {
  private static let names: [Int32: String] = [
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS",
    8: "SIGFPE", 9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE",
    14: "SIGALRM", 15: "SIGTERM", 16: "SIGSTKFLT", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP",
    20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU", 23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ",
    26: "SIGVTALRM", 27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO", 30: "SIGPWR", 31: "SIGSYS",
  ]

  static func name(_ number: Int32) -> String { names[number] ?? "signal \(number)" }
}

extension CoreSignalInfo {
  /// Who or what raised the signal; nil if the record doesn't tell.
  var causeInWords: String? {
    switch cause {
    case .fault(let address): "at address \(address)"
    case .sent(let process, let user): "sent by process \(process) of user \(user)"
    case .child(let process, _, _): "child \(process)"
    case .other: nil
    }
  }
}
