internal import Bytes

/// The bytes of one of the log's structures, read by its layout.
struct LogElement {
  let bytes: ByteView
  let layout: LogElementLayout

  /// The number in `member`; nil if the kernel hasn't got it.
  func number(_ member: LogStructure.Member) throws(ByteError) -> UInt64? {
    try layout[member]?.number(in: bytes)
  }

  /// The number in a member that all kernels have: layouts without it aren't made.
  func required(_ member: LogStructure.Member) throws(ByteError) -> UInt64 {
    guard let number = try number(member) else {
      throw .outOfBounds(offset: 0, count: 0, available: layout.size)
    }
    return number
  }

  /// The text in `member`; nil if it is empty or the kernel hasn't got it.
  func text(_ member: LogStructure.Member) -> String? { layout[member]?.text(in: bytes) }

  /// `LOG_CONT` (kernel/printk/internal.h).
  private static let continuation: UInt64 = 8

  /// Everything of a record but its number and its text, which forms keep in different places.
  func record(
    sequence: UInt64, device: LogDevice?, text: String, isCut: Bool
  ) throws(ByteError) -> LogRecord {
    let caller = try number(.caller).map { UInt32(truncatingIfNeeded: $0) }
    let other = try number(.otherCaller).map { UInt32(truncatingIfNeeded: $0) }
    return LogRecord(
      sequence: sequence, nanoseconds: try required(.time),
      level: UInt8(truncatingIfNeeded: try required(.level)),
      facility: UInt8(truncatingIfNeeded: try required(.facility)),
      isContinuation: try required(.flags) & Self.continuation != 0,
      origin: LogOrigin(caller: caller, other: other, name: self.text(.callerName)),
      device: device, text: text, isCut: isCut)
  }
}
