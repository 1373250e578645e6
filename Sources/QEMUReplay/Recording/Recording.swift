internal import Bytes
internal import FoundationEssentials
public import HostSystem

/// A recording: a directory with the log, the disks' overlays and what they were made with.
///
///     recording.json    how it was made
///     log.bin           QEMU's log of what can't be computed anew
///     disk0.qcow2 …     overlays over the user's images, with the disks' snapshots
///     snapshots.qcow2   snapshots of the machine's state
///     start.qcow2       the same before the first replay
///     replaying         while one replays: the host's boot ID
///     checkpoints.json  what the replays so far know of its moments
///     console.log       what the console printed
///     qemu.log          what QEMU said on its standard error when last replaying
public struct Recording: Sendable {
  /// From the root.
  public let directory: String
  public internal(set) var description: RecordingDescription

  /// Opens the recording in `path`. Throws `.notARecording`.
  public init(_ path: String) throws(ReplayError) {
    directory = try system { () throws(HostError) in try FileNames.absolute(path) }
    let file = directory + "/" + RecordingDescription.fileName
    let text: ByteView
    do throws(HostError) {
      text = try MappedFile.open(file).bytes
    } catch {
      guard error.isAbsence else { throw .host(error) }
      throw .notARecording(
        path: path, reason: "is a directory, but no recording: there is no recording.json in it")
    }
    do {
      let decoder = JSONDecoder()
      let format = try decoder.decode(Format.self, from: Data(text.copy())).format
      guard format == RecordingDescription.currentFormat else {
        throw ReplayError.notARecording(
          path: file, reason: "has the form \(format), of another version of Varve")
      }
      description = try decoder.decode(RecordingDescription.self, from: Data(text.copy()))
    } catch let error as ReplayError {
      throw error
    } catch {
      throw .notARecording(path: file, reason: "isn't a recording's description: \(error)")
    }
  }

  init(directory: String, description: RecordingDescription) {
    self.directory = directory
    self.description = description
  }

  private struct Format: Decodable {
    let format: Int
  }

  public var logPath: String { directory + "/" + RecordingPlan.logName }

  /// The directory's file `name`.
  func file(_ name: String) -> String { directory + "/" + name }

  /// Writes the description; the file is replaced as a whole.
  func save() throws(ReplayError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let bytes: [UInt8]
    do {
      bytes = Array(try encoder.encode(description)) + [UInt8(ascii: "\n")]
    } catch {
      throw .notARecording(path: directory, reason: "the description can't be written: \(error)")
    }
    try system { () throws(HostError) in
      let output = try AtomicOutputFile(
        self.file(RecordingDescription.fileName), replacing: true)
      try output.write(ByteView(copying: bytes).bytes)
      try output.commit()
    }
  }

  /// Compares QEMU and the inputs with what the recording was made with. Throws `.mismatch` for the
  /// first that differs, before a replay can go astray.
  public func verify(progress: ProgressHandler = .silent) throws(ReplayError) {
    let engine = description.engine
    let now = try InputFacts.engine(engine.path, version: engine.version)
    if now.buildID != engine.buildID || now.sha256 != engine.sha256 {
      throw .mismatch(
        what: engine.path,
        recorded: "QEMU \(engine.version), \(InputFacts.identity(engine))",
        found: InputFacts.identity(now))
    }
    for input in description.inputs {
      let now = try InputFacts.input(input.option, input.path, knowing: input, progress: progress)
      if now.sha256 != input.sha256 {
        throw .mismatch(
          what: "\(input.path) (-\(input.option))",
          recorded: "\(input.size) bytes, SHA-256 \(input.sha256.prefix(16))…",
          found: "\(now.size) bytes, SHA-256 \(now.sha256.prefix(16))…")
      }
    }
  }
}
