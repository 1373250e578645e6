internal import Bytes
internal import HostSystem

/// The image in which QEMU keeps the machine's states, and its protection.
///
///     snapshots.qcow2   what QEMU works on
///     start.qcow2       as the recorder left it: with the state at the beginning and no other
///     replaying         there from the beginning of a replay to its orderly end: the host's boot ID
///
/// QEMU waits for the disk after each state that it saves, for half a second and more where others write,
/// too. What for: a checkpoint that is lost is made again. So it is told not to wait
/// (`cache=unsafe`), and only if the host itself went down during a replay, which the boot ID tells,
/// the image is what may be torn, and is made anew.
struct SnapshotImage {
  private let path: String
  private let pristine: String
  private let marker: String
  /// What became of earlier checkpoints, if that has to be told.
  private(set) var notice: String?

  private static let bootID = "/proc/sys/kernel/random/boot_id"

  /// Prepares the image of `recording` for a replay.
  init(_ recording: Recording) throws(ReplayError) {
    path = recording.file(RecordingPlan.snapshotImageName)
    pristine = recording.file("start.qcow2")
    marker = recording.file("replaying")
    let current = try Self.text(Self.bootID) ?? ""
    if let earlier = try Self.text(marker), earlier != current, try Self.exists(pristine) {
      try Self.copy(pristine, to: path)
      notice = "the host went down during the last replay; its checkpoints are made anew"
    }
    if try !Self.exists(pristine) { try Self.copy(path, to: pristine) }
    let id = ByteView(copying: current.utf8)
    let marker = marker
    try system { () throws(HostError) in
      let output = try AtomicOutputFile(marker, replacing: true)
      try output.write(id.bytes)
      try output.commit()
    }
  }

  /// The words of QEMU's command line, with the cache of this image's drive set.
  static func words(_ words: [String]) -> [String] {
    words.map { $0.hasSuffix(",id=varve-snapshots") ? $0 + ",cache=unsafe" : $0 }
  }

  /// Waits until the checkpoints are on disk. QEMU must have ended.
  func close() throws(ReplayError) {
    let (path, marker) = (path, marker)
    try system { () throws(HostError) in
      try OpenFile.open(path).synchronize()
      try FileNames.remove(marker)
    }
  }

  private static func copy(_ source: String, to target: String) throws(ReplayError) {
    try system { () throws(HostError) in
      let file = try OpenFile.open(source)
      let output = try AtomicOutputFile(target, replacing: true)
      try output.copy(0..<file.size(), of: file, to: 0)
      try output.commit()
    }
  }

  private static func exists(_ path: String) throws(ReplayError) -> Bool {
    do throws(HostError) {
      _ = try OpenFile.open(path)
      return true
    } catch {
      guard error.isAbsence else { throw .host(error) }
      return false
    }
  }

  /// Nil if there is no such file.
  private static func text(_ path: String) throws(ReplayError) -> String? {
    do throws(HostError) {
      return String(decoding: try OpenFile.open(path).contents(limit: 4096))
    } catch {
      guard error.isAbsence else { throw .host(error) }
      return nil
    }
  }
}
