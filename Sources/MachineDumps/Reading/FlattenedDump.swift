import Bytes
import HostSystem

/// Puts the records of a flattened dump back where they belong, as `makedumpfile -R` does, in a
/// temporary file.
///
/// makedumpfile writes dumps so into pipes, which can't seek, and QEMU every kdump-compressed one.
///
///      0  "makedumpfile" NUL…  16 bytes    16  type i64 (1)    24  version i64 (1)
///   4096  records, each:   0  offset i64   8  size i64   16  size bytes
///         the last one:    offset and size both -1
///
/// All numbers are big-endian. Source: makedumpfile's makedumpfile.h, `struct makedumpfile_header` and
/// `struct makedumpfile_data_header`.
struct FlattenedDump {
  private static let firstRecord: UInt64 = 4096
  private static let recordHeaderSize: UInt64 = 16
  /// How much is written between two reports of progress.
  private static let step: UInt64 = 16 << 20

  /// The dump as it would be had it been written to a file.
  let file: MappedFile
  /// What is missing at the end; nil if nothing is.
  let damage: String?

  /// Throws `.container` if a record is impossible, `.host` if there is no room for the result.
  init(_ input: MappedFile, progress: ProgressHandler) throws(MachineDumpError) {
    defer { progress(nil) }
    let output = try Self.host { () throws(HostError) in
      try TemporaryFile(purpose: "contents of \(input.path)")
    }
    damage = try Self.rearrange(input, into: output, progress)
    file = try Self.host { () throws(HostError) in try output.map() }
  }

  /// Gives what is missing at the end.
  private static func rearrange(
    _ input: MappedFile, into output: TemporaryFile, _ progress: ProgressHandler
  ) throws(MachineDumpError) -> String? {
    var offset = firstRecord
    var released: UInt64 = 0
    while true {
      let place: UInt64
      let size: UInt64
      switch record(in: input.bytes, at: offset) {
      case .end: return nil
      case .missing: return "the flattened dump ends early, at offset \(hex(offset))"
      case .impossible(let place, let size):
        throw .container(
          path: input.path,
          reason: "the record at offset \(hex(offset)) of \(size) bytes at \(place) can't be")
      case .data(let wanted, let count): (place, size) = (wanted, count)
      }
      let data = input.bytes.clampedSubview(at: offset + recordHeaderSize, count: size)
      try host { () throws(HostError) in
        try output.write(data.bytes, at: place)
        if offset - released >= step {
          progress(ProgressStep(what: "unpacking \(input.path)", done: offset, total: input.size))
          try input.advise(released..<offset, .dontNeed)
          released = offset
        }
      }
      guard UInt64(data.count) == size else {
        return "the flattened dump ends early, within the record at offset \(hex(offset))"
      }
      offset += recordHeaderSize + size
    }
  }

  private static func host<Result>(
    _ body: () throws(HostError) -> Result
  ) throws(MachineDumpError) -> Result {
    do throws(HostError) {
      return try body()
    } catch {
      throw .host(error)
    }
  }

  private enum Record {
    case data(place: UInt64, size: UInt64)
    case end
    case missing
    case impossible(place: Int64, size: Int64)
  }

  private static func record(in bytes: ByteView, at offset: UInt64) -> Record {
    do throws(ByteError) {
      let place = try bytes.load(Int64.self, at: offset, .bigEndian)
      let size = try bytes.load(Int64.self, at: offset + 8, .bigEndian)
      if place == -1, size == -1 { return .end }
      guard place >= 0, size > 0, !place.addingReportingOverflow(size).overflow else {
        return .impossible(place: place, size: size)
      }
      return .data(place: UInt64(place), size: UInt64(size))
    } catch {
      return .missing
    }
  }
}
