internal import Bytes
internal import HostSystem
internal import QEMUMonitor

/// One QEMU that replays, with its monitor and its debugger stub. Both are at the other ends of sockets
/// without names, so nobody else can reach them, and QEMU ends with this process.
struct QEMUInstance {
  let child: ChildProcess
  let monitor: QMPMonitor
  var stub: StubClient
  /// What it says on its standard error.
  let complaints: String

  /// Starts one for `recording`, paused at its beginning. Throws `.program` if it doesn't come that far.
  init(_ recording: Recording) throws(ReplayError) {
    let (monitorSocket, monitorEnd) = try system { () throws(HostError) in
      try LocalSocket.pair("QEMU's monitor")
    }
    let (stubSocket, stubEnd) = try system { () throws(HostError) in
      try LocalSocket.pair("QEMU's debugger stub")
    }
    complaints = recording.file("qemu.log")
    // The guest's shutdown at the recording's end is to leave QEMU alive.
    let words =
      SnapshotImage.words(recording.commandLine(recording.description.replayed))
      + ["-S", "-no-shutdown"]
      + QEMULaunch.monitor(monitorEnd) + QEMULaunch.stub(stubEnd)
    let path = complaints
    let directory = recording.description.workingDirectory
    let child = try system { () throws(HostError) in
      let log = try OpenFile.log(path)
      return try ChildProcess(
        words[0], words, input: .null, output: .file(log), errors: .file(log),
        sockets: [monitorEnd, stubEnd], directory: directory, endsWithParent: true, isAlone: true)
    }
    self.child = child
    stub = StubClient(stubSocket)
    do throws(QMPError) {
      monitor = try QMPMonitor(over: monitorSocket, timeout: .seconds(120))
    } catch {
      let ending = child.wait(before: .now + .seconds(2))
      child.send(9)
      guard let ending else { throw .monitor(error) }
      throw .program(
        "QEMU", reason: QEMULaunch.text(ending), output: try Self.lastComplaint(path))
    }
    if monitor.version != recording.description.engine.version,
      !recording.description.engine.version.isEmpty
    {
      child.send(9)
      throw .mismatch(
        what: words[0], recorded: "QEMU \(recording.description.engine.version)",
        found: "QEMU \(monitor.version)")
    }
    _ = try stub.ask("qSupported:swbreak+;hwbreak+")
  }

  /// Ends it.
  func end() {
    child.send(9)
    _ = child.wait(before: .now + .seconds(10))
  }

  /// How it ended, with its last words; nil if it runs.
  func obituary() throws(ReplayError) -> String? {
    guard let ending = child.wait(before: .now + .seconds(1)) else { return nil }
    let words = try Self.lastComplaint(complaints)
    return QEMULaunch.text(ending) + (words.isEmpty ? "" : ": \(words)")
  }

  private static func lastComplaint(_ path: String) throws(ReplayError) -> String {
    let text = try system { () throws(HostError) in
      String(decoding: try MappedFile.open(path).bytes)
    }
    return ToolRun.complaint(text)
  }

  // MARK: Monitor

  /// The instruction count.
  func instructionCount() throws(ReplayError) -> UInt64 {
    let answer = try asking { () throws(QMPError) in try monitor.execute("query-replay") }
    guard let count = answer["icount"]?.integer, count >= 0 else {
      throw .monitor(.protocolViolation("the answer to query-replay lacks icount"))
    }
    return UInt64(count)
  }

  /// QEMU's word for what it does: `running`, `paused`, `debug`, `shutdown`, …
  func status() throws(ReplayError) -> String {
    let answer = try asking { () throws(QMPError) in try monitor.execute("query-status") }
    return answer["status"]?.string ?? "unknown"
  }

  /// Has it stop at `count` when it runs next. One at a time; it goes when it is reached.
  func setBreak(at count: UInt64) throws(ReplayError) {
    let argument = QMPValue.integer(Int64(clamping: count))
    _ = try asking { () throws(QMPError) in
      try monitor.execute("replay-break", arguments: ["icount": argument])
    }
  }

  func removeBreak() throws(ReplayError) {
    _ = try asking { () throws(QMPError) in try monitor.execute("replay-delete-break") }
  }

  func stop() throws(ReplayError) {
    _ = try asking { () throws(QMPError) in try monitor.execute("stop", timeout: .seconds(30)) }
  }

  /// What the monitor for people prints; nothing if all is well.
  func say(
    _ command: String, timeout: Duration = .seconds(300)
  ) throws(ReplayError) -> String {
    let answer = try asking { () throws(QMPError) in
      try monitor.execute(
        "human-monitor-command", arguments: ["command-line": .string(command)], timeout: timeout)
    }
    return (answer.string ?? "").split(whereSeparator: \.isNewline).joined(separator: "; ")
  }

  /// A snapshot of the machine in one of its images.
  struct Snapshot: Hashable {
    let name: String
    /// Of the machine's state, in bytes.
    let size: UInt64
    let instruction: UInt64
    /// The guest's clock in nanoseconds.
    let clock: UInt64
  }

  /// The snapshots there are. Source of the form: QEMU 7.2 qapi/block-core.json, SnapshotInfo.
  func snapshots() throws(ReplayError) -> [Snapshot] {
    let answer = try asking { () throws(QMPError) in
      try monitor.execute("query-named-block-nodes", arguments: ["flat": .bool(true)])
    }
    var found: [String: Snapshot] = [:]
    guard case .array(let nodes) = answer else { return [] }
    for node in nodes {
      guard case .array(let list)? = node["image"]?["snapshots"] else { continue }
      for entry in list {
        guard let name = entry["name"]?.string, let count = entry["icount"]?.integer, count >= 0
        else { continue }
        let seconds = UInt64(clamping: entry["vm-clock-sec"]?.integer ?? 0)
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let size = UInt64(clamping: entry["vm-state-size"]?.integer ?? 0)
        let snapshot = Snapshot(
          name: name, size: max(size, found[name]?.size ?? 0), instruction: UInt64(count),
          clock: overflow
            ? 0 : nanoseconds &+ UInt64(clamping: entry["vm-clock-nsec"]?.integer ?? 0))
        found[name] = snapshot
      }
    }
    return found.values.sorted { ($0.instruction, $0.name) < ($1.instruction, $1.name) }
  }
}
