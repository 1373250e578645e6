/// A process of a guest, by its directory in `/proc`.
public struct GuestTruthProcess: Decodable, Sendable, CustomStringConvertible {
  public let pid: Int
  /// Contents by name: `stat`, `status`, `comm`, `statm`, `auxv` (in hexadecimal), `mountinfo`, `cmdline`
  /// (but of `untouched-args`), `environ`, `maps`, `smaps` (not where there are 500 mappings or more).
  public let files: [String: String]
  /// Targets by name: `exe`, `cwd`, `root`, `ns/pid`, `ns/mnt`.
  public let links: [String: String]
  public let threads: [GuestTruthThread]

  public var description: String { "\(pid) \(name)" }

  /// The name in `comm`. A kernel's worker has what it works for added, as in `kworker/0:1-events`.
  public var name: String { GuestTruthThread.withoutLineFeed(files["comm"] ?? "") }

  /// Whether the witness looked into it; it has numbers only of what came into being afterwards.
  public var isKnown: Bool { files["stat"] != nil }

  /// The leader's `stat`.
  public func stat() throws -> GuestTruthStat { try GuestTruthStat(files["stat"] ?? "") }

  /// The arguments; nil if they weren't read, none for what has no address space.
  public var arguments: [String]? {
    files["cmdline"].map { text in
      text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
  }

  /// `/proc/PID/maps`; none for what has no address space.
  public func mappings() throws -> [GuestTruthMapping] {
    try (files["maps"] ?? "").split(separator: "\n").map(GuestTruthMapping.init(line:))
  }

  /// A value of `status`, such as `VmRSS` (`"8948 kB"`); nil where there is none.
  public func status(_ key: String) -> String? {
    GuestTruthThread.value(of: key, in: files["status"] ?? "")
  }
}

/// A thread of a guest's process, by its directory in `/proc/PID/task`.
public struct GuestTruthThread: Decodable, Sendable, CustomStringConvertible {
  public let tid: Int
  /// Contents by name: `stat`, `status`, `comm`, `wchan`, `stack`, `syscall`, `schedstat`, and `again`: what
  /// `stat` held when the witness looked a second time.
  public let files: [String: String]

  public var description: String { "\(tid) \(name)" }

  /// See `GuestTruthProcess.name`.
  public var name: String { Self.withoutLineFeed(files["comm"] ?? "") }

  /// The first `stat`; the second of a thread that came into being between the two looks.
  public func stat() throws -> GuestTruthStat {
    try GuestTruthStat(files["stat"] ?? files["again"] ?? "")
  }

  /// Whether both looks saw the same state and the same times: it rested, and the dump shows it as it was.
  public var isSettled: Bool {
    guard let again = files["again"], let stat = files["stat"] else { return false }
    return again == stat
  }

  /// The kernel stack of a thread that isn't on a CPU: `function+0xoffset/0xsize [module]`, innermost first.
  ///
  /// The kernel leaves out the scheduler's own functions.
  public var stack: [String] {
    (files["stack"] ?? "").split(separator: "\n").compactMap { line in
      line.firstIndex(of: " ").map { String(line[line.index(after: $0)...]) }
    }
  }

  /// A value of `status`, such as `voluntary_ctxt_switches`; nil where there is none.
  public func status(_ key: String) -> String? {
    Self.value(of: key, in: files["status"] ?? "")
  }

  static func value(of key: String, in status: String) -> String? {
    for line in status.split(separator: "\n") where line.hasPrefix(key + ":") {
      return String(line.dropFirst(key.count + 1).drop { $0 == "\t" || $0 == " " })
    }
    return nil
  }

  static func withoutLineFeed(_ text: String) -> String {
    text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}

/// `/proc/PID/stat`: proc(5), Documentation/filesystems/proc.rst table 1-4.
public struct GuestTruthStat: Sendable {
  public let pid: Int
  /// Between the first and the last parenthesis; it may hold any character.
  public let name: String
  /// R, S, D, T, t, X, Z, P or I.
  public let state: Character
  public let parent: Int
  /// PF_… of the task.
  public let flags: UInt64
  /// In ticks of 10 ms.
  public let userTime: UInt64
  public let systemTime: UInt64
  public let priority: Int
  public let nice: Int
  public let threadCount: Int
  /// In ticks of 10 ms since the boot.
  public let startTime: UInt64
  /// In bytes.
  public let virtualSize: UInt64
  /// In pages.
  public let residentSize: Int
  public let cpu: Int
  public let realTimePriority: Int
  /// SCHED_…
  public let policy: Int

  /// Throws if the text isn't one.
  public init(_ text: String) throws {
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
      let pid = Int(text[..<open].dropLast())
    else { throw ToolFailure(description: "no stat: \(text)") }
    // The state, the third field in proc(5), is the first one here.
    let fields = text[text.index(after: close)...].split { $0 == " " || $0 == "\n" }
    guard fields.count >= 39 else { throw ToolFailure(description: "a short stat: \(text)") }
    func number<Value: FixedWidthInteger>(_ position: Int) throws -> Value {
      guard let value = Value(fields[position - 3]) else {
        throw ToolFailure(description: "field \(position) of a stat is \(fields[position - 3])")
      }
      return value
    }
    self.pid = pid
    name = String(text[text.index(after: open)..<close])
    state = fields[0].first ?? "?"
    parent = try number(4)
    flags = try number(9)
    userTime = try number(14)
    systemTime = try number(15)
    priority = try number(18)
    nice = try number(19)
    threadCount = try number(20)
    startTime = try number(22)
    virtualSize = try number(23)
    residentSize = try number(24)
    cpu = try number(39)
    realTimePriority = try number(40)
    policy = try number(41)
  }
}

/// A line of `/proc/PID/maps`.
public struct GuestTruthMapping: Sendable, Equatable {
  public let start: UInt64
  public let end: UInt64
  /// As in `r-xp`.
  public let permissions: String
  public let offset: UInt64
  /// `major:minor`, in hexadecimal.
  public let device: String
  public let inode: UInt64
  /// As the kernel prints it: a line feed is `\012`, a file that is gone ends in ` (deleted)`; empty if there is none.
  public let path: String

  init(line: Substring) throws {
    let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    let ends = words.first?.split(separator: "-") ?? []
    guard words.count >= 5, ends.count == 2, let start = UInt64(ends[0], radix: 16),
      let end = UInt64(ends[1], radix: 16), let offset = UInt64(words[2], radix: 16),
      let inode = UInt64(words[4])
    else { throw ToolFailure(description: "no mapping: \(line)") }
    self.start = start
    self.end = end
    permissions = String(words[1])
    self.offset = offset
    device = String(words[3])
    self.inode = inode
    path = words.count > 5 ? String(words[5].drop { $0 == " " }) : ""
  }
}
