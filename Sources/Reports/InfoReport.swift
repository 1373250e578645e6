/// What `varve info` prints of a dump: the process, the machine, or both.
public struct InfoReport: Codable, Hashable, Sendable {
  public var schema = "varve.info/1"
  public var file: String
  /// "core of a process", "dump of a machine".
  public var kind: String
  /// The CPU, as GNU tools call it.
  public var architecture: String
  public var process: ProcessReport?
  public var signal: SignalReport?
  /// Nil for the dump of a machine.
  public var threadCount: Int?
  /// The process's memory; nil for the dump of a machine.
  public var memory: MemoryReport?
  public var modules: [ModuleReport]
  /// Nil if the process isn't a QEMU.
  public var qemu: QEMUReport?
  /// The machine in the dump, or in the QEMU process; nil if there is none, or it wasn't found (a
  /// warning tells why).
  public var machine: MachineReport?
  public var warnings: [String]

  public init(
    file: String, kind: String, architecture: String, process: ProcessReport? = nil,
    signal: SignalReport? = nil, threadCount: Int? = nil, memory: MemoryReport? = nil,
    modules: [ModuleReport] = [], qemu: QEMUReport? = nil, machine: MachineReport? = nil,
    warnings: [String]
  ) {
    self.file = file
    self.kind = kind
    self.architecture = architecture
    self.process = process
    self.signal = signal
    self.threadCount = threadCount
    self.memory = memory
    self.modules = modules
    self.qemu = qemu
    self.machine = machine
    self.warnings = warnings
  }
}

/// The process: a dumped one by its NT_PRPSINFO, one that runs by `/proc`.
public struct ProcessReport: Codable, Hashable, Sendable {
  public var pid: Int32
  public var parent: Int32
  public var user: UInt32
  /// The executable's name, cut to 15 bytes by the kernel.
  public var name: String
  /// The command line; of a dumped process, cut to 79 bytes by the kernel.
  public var arguments: String
}

/// The signal that ended the process.
public struct SignalReport: Codable, Hashable, Sendable {
  public var number: Int32
  /// `SIGABRT` and the like.
  public var name: String
  /// The cause in words: who sent it, or which address faulted.
  public var cause: String?
}

/// How much of the process's memory is there; all counts in bytes.
public struct MemoryReport: Codable, Hashable, Sendable {
  /// In the dump.
  public var dumped: UInt64 = 0
  /// Not in the dump, but in a file that was verified to be the one that was mapped.
  public var fromFiles: UInt64 = 0
  /// Left out on purpose: a coredump filter, `MADV_DONTDUMP`, guard pages.
  public var excluded: UInt64 = 0
  /// Lost because the dump was cut short.
  public var truncated: UInt64 = 0
  /// Mapped by a process that runs; nil for a dump.
  public var running: UInt64?
}

/// One module and the files found for it.
public struct ModuleReport: Codable, Hashable, Sendable {
  public var path: String
  /// The first address, in hexadecimal.
  public var start: String
  public var end: String
  public var buildID: String?
  /// The file that stands in for its code; nil if none was found.
  public var binary: String?
  /// The dump itself holds all of it: the kernel's vdso, which has no file.
  public var isInDump: Bool
  /// The file with its debug information; nil if none was found.
  public var debug: String?
  /// How the files were found and verified, and which were refused, a line each.
  public var evidence: [String]
}

/// What makes the process a QEMU.
public struct QEMUReport: Codable, Hashable, Sendable {
  /// As QEMU itself prints it; nil if it wasn't found.
  public var version: String?
  public var evidence: [String]

  public init(version: String?, evidence: [String]) {
    self.version = version
    self.evidence = evidence
  }
}

extension InfoReport {
  /// The layers from the outside in.
  public func text(_ style: TextStyle, explain: Bool = false) -> String {
    var lines: [String] = []
    func add(_ name: String, _ value: String) {
      lines.append(style.paint(name.padding(to: 10), .heading) + TextStyle.visible(value))
    }
    add("file", file)
    add("kind", "\(kind), \(architecture)")
    if let process {
      add(
        "process", "\(process.pid) \(process.arguments.isEmpty ? process.name : process.arguments)")
    }
    if let signal {
      add("signal", "\(signal.name)\(signal.cause.map { ": \($0)" } ?? "")")
    }
    if let qemu { add("qemu", qemu.version ?? "version unknown") }
    if let threadCount { add("threads", "\(threadCount)") }
    if let memory { add("memory", memory.text) }
    if let machine { lines += machine.lines(style, explain: explain) }
    if threadCount != nil { lines += moduleLines(style, explain: explain) }
    return lines.joined(separator: "\n")
  }
}

extension InfoReport {
  /// The modules, each with what was found of it.
  fileprivate func moduleLines(_ style: TextStyle, explain: Bool) -> [String] {
    let found = modules.count { $0.binary != nil || $0.isInDump }
    let debugged = modules.count { $0.debug != nil }
    var lines = [
      style.paint("modules".padding(to: 10), .heading)
        + "\(modules.count); \(found) with their file, \(debugged) with debug information"
    ]
    for module in modules {
      lines.append(
        "  \(style.paint(module.start, .address)) \(style.paint(module.path, .file))"
          + style.paint(module.remark, .faint))
      if explain {
        if let buildID = module.buildID { lines.append("      build-id \(buildID)") }
        lines += module.evidence.map { "      " + TextStyle.visible($0) }
      } else if module.binary == nil, !module.isInDump {
        lines.append(style.paint("      its file isn't at hand", .warning))
      }
    }
    return lines
  }
}

extension ModuleReport {
  /// What stands behind its path.
  var remark: String {
    if isInDump { return " (in the dump itself)" }
    return debug == nil ? " (no debug information)" : ""
  }
}

extension MemoryReport {
  var text: String {
    if let running { return "\(Self.amount(running)) mapped" }
    var parts = ["\(Self.amount(dumped)) dumped"]
    if fromFiles > 0 { parts.append("\(Self.amount(fromFiles)) read from mapped files") }
    if excluded > 0 { parts.append("\(Self.amount(excluded)) left out of the dump") }
    if truncated > 0 { parts.append("\(Self.amount(truncated)) LOST: the dump was cut short") }
    return parts.joined(separator: ", ")
  }

  /// In binary units, one decimal.
  static func amount(_ bytes: UInt64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var unit = 0
    var divisor: UInt64 = 1
    while unit < units.count - 1, bytes / divisor >= 1024 {
      unit += 1
      divisor *= 1024
    }
    if unit == 0 { return "\(bytes) bytes" }
    let tenths = bytes / divisor * 10 + bytes % divisor * 10 / divisor
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
