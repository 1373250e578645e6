internal import Bytes
internal import TimeTravel

extension EngineCore {
  enum SaveOutcome: Sendable {
    /// With the size of the machine's state in bytes.
    case saved(UInt64)
    case refused(Moment, String)
  }

  mutating func save(_ name: CheckpointName) throws(ReplayError) -> SaveOutcome {
    if doomed.remove(name.text) != nil, let size = try snapshot(name.text)?.size {
      // Only the room was wanted; what is replayed is the same.
      return .saved(size)
    }
    leave()
    try awaitRequests()
    let complaint = try instance.say("savevm \(name.text)")
    guard complaint.isEmpty else {
      // "Record/replay is not allowed making snapshot right now. Try once more later."
      // (QEMU 7.2 migration/savevm.c): events wait to be replayed.
      return .refused(try position(), complaint)
    }
    try becomeQuiet()
    return .saved(try snapshot(name.text)?.size ?? 0)
  }

  /// False if there is none of that name.
  mutating func restore(_ name: String) throws(ReplayError) -> Bool {
    guard let snapshot = try snapshot(name) else { return false }
    if flashWaits { try letFlashGo() }
    try removeBreak()
    leave()
    try awaitRequests()
    let complaint = try load(snapshot)
    guard complaint.isEmpty else {
      // It is of no use: who deletes it now doesn't get it back.
      isQuiet = true
      throw .stub("loadvm \(name): \(complaint)")
    }
    flashWaits = Self.hasFlash(recording, architecture)
    try becomeQuiet()
    return true
  }

  /// Those that aren't doomed.
  private func snapshots() throws(ReplayError) -> [QEMUInstance.Snapshot] {
    try instance.snapshots().filter { !doomed.contains($0.name) }
  }

  private func snapshot(_ name: String) throws(ReplayError) -> QEMUInstance.Snapshot? {
    try snapshots().first { $0.name == name }
  }

  /// QEMU waits for the disk's requests before it restores a state. Those that are under way in a replay end only
  /// when the replay goes on: it may wait for ever (7.2, virtio_reset, blk_drain). A new one has none.
  private func load(_ snapshot: QEMUInstance.Snapshot) throws(ReplayError) -> String {
    try instance.say("loadvm \(snapshot.name)", timeout: patience(with: snapshot))
  }

  /// How long work on a snapshot may take: as with a slow disk, 16 MiB a second.
  private func patience(with snapshot: QEMUInstance.Snapshot) -> Duration {
    min(patience, .seconds(10)) + .seconds(Double(snapshot.size) / Double(16 << 20))
  }

  /// False if there is none of that name.
  ///
  /// QEMU waits for the disk's requests here, too, and those that are under way in a replay end only when the replay
  /// goes on: it may wait for ever (7.2 block/snapshot.c, bdrv_snapshot_delete). So it is done when there can be
  /// none; a timeline without room deletes one just before it saves another.
  mutating func delete(_ name: CheckpointName) throws(ReplayError) -> Bool {
    guard try snapshot(name.text) != nil else { return false }
    doomed.insert(name.text)
    if isQuiet { try deleteDoomed() }
    return true
  }

  private mutating func becomeQuiet() throws(ReplayError) {
    isQuiet = true
    try deleteDoomed()
  }

  private mutating func deleteDoomed() throws(ReplayError) {
    guard !doomed.isEmpty else { return }
    let present = try instance.snapshots().filter { doomed.contains($0.name) }
    doomed = []
    for snapshot in present {
      let complaint = try instance.say("delvm \(snapshot.name)", timeout: patience(with: snapshot))
      // What was asked for has been done; for what is left of this there will be another time.
      if !complaint.isEmpty { doomed.insert(snapshot.name) }
    }
  }

  func checkpoints() throws(ReplayError) -> Set<CheckpointName> {
    let names = try snapshots().map(\.name)
    return Set(names.filter { $0 != RecordingPlan.startSnapshot }.compactMap(CheckpointName.init))
  }

  /// Ends what is left of QEMU and starts a new one.
  mutating func restart() throws(ReplayError) {
    instance.end()
    forget()
    instance = try QEMUInstance(recording)
    flashWaits = Self.hasFlash(recording, architecture)
    try becomeQuiet()
  }
}
