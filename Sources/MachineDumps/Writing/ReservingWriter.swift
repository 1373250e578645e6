internal import Bytes
internal import HostSystem

/// Writes what ascends in an output, and sets room aside for it ahead in larger pieces. What is passed
/// over stays a hole.
struct ReservingWriter {
  private let output: any DumpOutput
  /// What was set aside and not yet written or passed over.
  private var reserved: Range<UInt64> = 0..<0
  private var mayReserve = true

  private static let step: UInt64 = 4 << 20
  /// Less isn't worth a system call.
  private static let least: UInt64 = 1 << 20

  init(_ output: any DumpOutput) { self.output = output }

  /// Writes `bytes` at `offset`. Up to `end` there is more to come, most of it to be written.
  mutating func write(_ bytes: RawSpan, at offset: UInt64, end: UInt64) throws(HostError) {
    try giveBack(before: offset)
    if reserved.isEmpty, mayReserve, end - offset >= Self.least {
      let wanted = offset..<min(end, offset + Self.step)
      mayReserve = output.reserve(wanted)
      if mayReserve { reserved = wanted }
    }
    try output.write(bytes, at: offset)
    let next = offset + UInt64(bytes.byteCount)
    reserved = min(next, reserved.upperBound)..<reserved.upperBound
  }

  /// Says that nothing more will be written before `offset`.
  mutating func giveBack(before offset: UInt64) throws(HostError) {
    guard !reserved.isEmpty, reserved.lowerBound < offset else { return }
    let end = min(offset, reserved.upperBound)
    try output.giveBack(reserved.lowerBound..<end)
    reserved = end..<reserved.upperBound
  }
}
