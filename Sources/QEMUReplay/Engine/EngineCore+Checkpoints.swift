internal import Bytes
internal import TimeTravel

extension EngineCore {
  enum SaveOutcome: Sendable {
    /// With the size of the machine's state in bytes.
    case saved(UInt64)
    case refused(Moment, String)
  }

  mutating func save(_ name: CheckpointName) throws(ReplayError) -> SaveOutcome {
    leave()
    let complaint = try instance.say("savevm \(name.text)")
    guard complaint.isEmpty else {
      // "Record/replay is not allowed making snapshot right now. Try once more later."
      // (QEMU 7.2 migration/savevm.c): events wait to be replayed.
      return .refused(try position(), complaint)
    }
    let snapshot = try instance.snapshots().first { $0.name == name.text }
    return .saved(snapshot?.size ?? 0)
  }

  /// False if there is none of that name.
  mutating func restore(_ name: String) throws(ReplayError) -> Bool {
    guard let snapshot = try instance.snapshots().first(where: { $0.name == name }) else {
      return false
    }
    if flashWaits { try letFlashGo() }
    try removeBreak()
    leave()
    let complaint = try load(snapshot)
    guard complaint.isEmpty else { throw .stub("loadvm \(name): \(complaint)") }
    flashWaits = Self.hasFlash(recording, architecture)
    return true
  }

  /// QEMU waits for the disk's requests before it restores a state. Those that are under way in a replay end only
  /// when the replay goes on: it may wait for ever (7.2, virtio_reset, blk_drain). A new one has none.
  private func load(_ snapshot: QEMUInstance.Snapshot) throws(ReplayError) -> String {
    try instance.say(
      "loadvm \(snapshot.name)", timeout: min(patience, .seconds(10)) + Self.readingLimit(snapshot))
  }

  /// How long reading the state may take: as from a slow disk, 16 MiB a second.
  private static func readingLimit(_ snapshot: QEMUInstance.Snapshot) -> Duration {
    .seconds(Double(snapshot.size) / Double(16 << 20))
  }

  /// False if there is none of that name.
  mutating func delete(_ name: CheckpointName) throws(ReplayError) -> Bool {
    guard try instance.snapshots().contains(where: { $0.name == name.text }) else { return false }
    let complaint = try instance.say("delvm \(name.text)")
    guard complaint.isEmpty else { throw .stub("delvm \(name): \(complaint)") }
    return true
  }

  func checkpoints() throws(ReplayError) -> Set<CheckpointName> {
    let names = try instance.snapshots().map(\.name)
    return Set(names.filter { $0 != RecordingPlan.startSnapshot }.compactMap(CheckpointName.init))
  }

  /// Ends what is left of QEMU and starts a new one.
  mutating func restart() throws(ReplayError) {
    instance.end()
    forget()
    instance = try QEMUInstance(recording)
    flashWaits = Self.hasFlash(recording, architecture)
  }
}
