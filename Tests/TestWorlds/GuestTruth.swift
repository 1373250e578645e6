internal import Foundation

/// What a guest's kernel said of itself at the pause that its dumps show: `/proc` and `/sys`, as the
/// laboratory's witness (`Lab/kernels/witness.c`) read them inside.
///
/// Nothing but the witness ran between its reading and the pause in the scenarios `idle` and
/// `threads`. In `busy` the guest went on for a moment; in `panic` until it had panicked.
public struct GuestTruth: Sendable {
  /// Every process, in the order of `/proc`: that of its pids.
  public let processes: [GuestTruthProcess]
  /// Other files' contents by path (`/proc/uptime`), and the clocks (`clock:boottime`: seconds).
  public let facts: [String: String]
  /// Where the vCPUs were.
  public let cpus: [CPU]
  private let files: [String: String]

  /// Where a vCPU was, by its registers.
  public struct CPU: Decodable, Sendable {
    public let cpu: Int
    /// In hexadecimal, with 0x.
    public let rip: String
    public let rsp: String
    /// In user mode.
    public let user: Bool
    public let halted: Bool
    public let interruptsEnabled: Bool
    /// The kernel's function that it was in, by `/proc/kallsyms`.
    public let function: String?
    public let offset: Int?
  }

  /// Throws if the subject has no such truth.
  public init(_ subject: LaboratoryManifest.Subject) throws {
    files = subject.truth
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    processes = try decoder.decode(
      [GuestTruthProcess].self, from: Self.data(subject.truth, "processes"))
    // A strategy for keys would change paths.
    facts = try JSONDecoder().decode(
      [String: String].self, from: Self.data(subject.truth, "facts"))
    cpus = try decoder.decode([CPU].self, from: Self.data(subject.truth, "cpu_states"))
  }

  /// The process `pid`, or nil.
  public func process(_ pid: Int) -> GuestTruthProcess? {
    processes.first { $0.pid == pid }
  }

  /// Every process whose name at the pause was `name`.
  public func processes(named name: String) -> [GuestTruthProcess] {
    processes.filter { $0.name == name }
  }

  /// Every thread of every process.
  public var threads: [GuestTruthThread] { processes.flatMap(\.threads) }

  /// `/proc/kallsyms`: the kernel's symbols and its modules', in the kernel's order.
  public func symbols() throws -> [GuestTruthSymbol] {
    try text("kallsyms").split(separator: "\n").map(GuestTruthSymbol.init(line:))
  }

  /// `/proc/modules`, newest first.
  public func modules() throws -> [GuestTruthModule] {
    try text("guest_modules").split(separator: "\n").map(GuestTruthModule.init(line:))
  }

  /// The log as `dmesg -r` prints it: `<level>[seconds] text`, each line of a record by itself.
  public func log() throws -> [Substring] {
    try text("dmesg").split(separator: "\n", omittingEmptySubsequences: false).dropLast()
  }

  /// The log's records as `/dev/kmsg` gives them.
  public func records() throws -> [GuestTruthRecord] {
    try GuestTruthRecord.all(in: text("kmsg"))
  }

  /// What a fact's file holds, without the line feed at its end.
  public func fact(_ path: String) throws -> String {
    guard let found = facts[path] else { throw ToolFailure(description: "no \(path)") }
    return found.hasSuffix("\n") ? String(found.dropLast()) : found
  }

  private func text(_ key: String) throws -> String {
    String(decoding: try Self.data(files, key), as: UTF8.self)
  }

  private static func data(_ files: [String: String], _ key: String) throws -> Data {
    guard let path = files[key] else { throw ToolFailure(description: "no truth \(key)") }
    return try Data(contentsOf: URL(filePath: path))
  }
}
