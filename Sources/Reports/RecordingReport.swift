public import QEMUReplay

/// What is known of a recording: `varve info DIR`.
public struct RecordingReport: Encodable, Sendable {
  public var schema = "varve.recording/1"
  /// The directory as given.
  public let file: String
  public let description: RecordingDescription
  /// What the log holds.
  public let log: Log
  /// What keeps it from being replayed; nil if nothing does.
  public let problem: String?

  /// A recording's log.
  public struct Log: Encodable, Sendable {
    public let size: UInt64
    public let events: UInt64
    public let instructions: UInt64
    /// Nanoseconds of the guest's processor time.
    public let time: UInt64
    public let isComplete: Bool
    /// What is wrong behind the last whole event.
    public let damage: String?
  }

  /// `problem` is what keeps it from being replayed.
  public init(_ recording: Recording, log: ReplayLog, file: String, problem: String?) {
    self.file = file
    description = recording.description
    self.log = Log(
      size: log.wholeSize, events: log.events, instructions: log.instructions,
      time: log.instructions << UInt64(min(description.shift, 10)),
      isComplete: log.isComplete, damage: log.damage)
    self.problem = problem
  }

  private enum CodingKeys: String, CodingKey {
    case schema, file, began, engine, workingDirectory, given, recorded, replayed, changes, disks
    case inputs, shift, ending, log, problem
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schema, forKey: .schema)
    try container.encode(file, forKey: .file)
    try container.encode(description.began, forKey: .began)
    try container.encode(description.engine, forKey: .engine)
    try container.encode(description.workingDirectory, forKey: .workingDirectory)
    try container.encode(description.given, forKey: .given)
    try container.encode(description.recorded, forKey: .recorded)
    try container.encode(description.replayed, forKey: .replayed)
    try container.encode(description.changes, forKey: .changes)
    try container.encode(description.disks, forKey: .disks)
    try container.encode(description.inputs, forKey: .inputs)
    try container.encode(description.shift, forKey: .shift)
    try container.encodeIfPresent(description.ending, forKey: .ending)
    try container.encode(log, forKey: .log)
    try container.encodeIfPresent(problem, forKey: .problem)
  }
}

extension RecordingReport {
  /// For people.
  public func text(_ style: TextStyle) -> String {
    var lines = ["\(file): recording of a virtual machine, \(description.began)"]
    func add(_ name: String, _ value: String) {
      let padding = String(repeating: " ", count: max(1, 14 - name.count))
      lines.append("\(name):\(padding)\(TextStyle.visible(value))")
    }
    add("QEMU", description.engine.version.isEmpty ? "unknown" : description.engine.version)
    add("program", description.engine.path)
    add("command", description.given.joined(separator: " "))
    add("instructions", "\(log.instructions)")
    add("guest time", Self.seconds(log.time) + " of computing, \(1 << description.shift) ns each")
    add(
      "log",
      "\(log.size) bytes, \(log.events) events"
        + (log.isComplete ? "" : "; not complete: \(log.damage ?? "QEMU didn't close it")"))
    if let ending = description.ending {
      add("ended", ending.how + (ending.isSalvaged ? "; salvaged to the last whole event" : ""))
    } else {
      add("ended", "not yet, or the recorder was killed")
    }
    for disk in description.disks {
      add("disk", "\(disk.overlay) over \(disk.image) (\(disk.format ?? "unknown format"))")
    }
    for input in description.inputs {
      add("input", "\(input.path), \(input.size) bytes, SHA-256 \(input.sha256.prefix(16))…")
    }
    add("replay", problem ?? "possible: QEMU and inputs are those that it was recorded with")
    return lines.joined(separator: "\n")
  }

  private static func seconds(_ nanoseconds: UInt64) -> String {
    let milliseconds = nanoseconds / 1_000_000
    let rest = String(milliseconds % 1000)
    return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest) s"
  }
}
