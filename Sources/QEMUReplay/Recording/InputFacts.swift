internal import Bytes
internal import HostSystem
internal import ObjectFiles

/// What tells the files apart that a recording is made from.
enum InputFacts {
  /// What is known of QEMU's program at `path`.
  static func engine(
    _ path: String, version: String
  ) throws(ReplayError) -> RecordingDescription.Engine {
    let file = try system { () throws(HostError) in try MappedFile.open(path) }
    var engine = RecordingDescription.Engine(path: path, version: version)
    do throws(ObjectError) {
      engine.buildID = try ELFImage(file.bytes).buildID.map { $0.description }
    } catch {
      // A script, or a program of another kind: its digest tells.
      engine.buildID = nil
    }
    if engine.buildID == nil { engine.sha256 = digest(file.bytes, path, .silent) }
    return engine
  }

  /// What tells `engine` from others, in words.
  static func identity(_ engine: RecordingDescription.Engine) -> String {
    engine.buildID.map { "build-id \($0)" } ?? "SHA-256 \(engine.sha256 ?? "unknown")"
  }

  /// What is known of the file at `path`, from the root. It isn't read if `known` says the same of its
  /// size and time.
  static func input(
    _ option: String, _ path: String, knowing known: RecordingDescription.Input? = nil,
    progress: ProgressHandler
  ) throws(ReplayError) -> RecordingDescription.Input {
    let facts = try system { () throws(HostError) in try FileFacts(path) }
    let (seconds, overflow) = facts.modifiedSeconds.multipliedReportingOverflow(by: 1_000_000_000)
    var input = RecordingDescription.Input(
      option: option, path: path, size: facts.size,
      modified: overflow ? 0 : seconds &+ facts.modifiedNanoseconds, sha256: "")
    if let known, known.size == input.size, known.modified == input.modified {
      input.sha256 = known.sha256
      return input
    }
    let file = try system { () throws(HostError) in try MappedFile.open(path) }
    input.sha256 = digest(file.bytes, path, progress)
    return input
  }

  private static func digest(
    _ bytes: ByteView, _ path: String, _ progress: ProgressHandler
  ) -> String {
    var digest = SHA256()
    let size = UInt64(bytes.count)
    let step: UInt64 = 32 << 20
    var offset: UInt64 = 0
    while offset < size {
      digest.update(bytes.clampedSubview(at: offset, count: step).bytes)
      offset += min(step, size - offset)
      progress(ProgressStep(what: "reading \(path)", done: offset, total: size))
    }
    progress(nil)
    return digest.finish()
  }
}
