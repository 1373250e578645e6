internal import Bytes

/// Where in a structure one of its integers or arrays lies.
public struct LogField: Hashable, Sendable {
  /// From the structure's first bit; little-endian bit order.
  public let bitOffset: UInt64
  public let bitCount: UInt64

  public init(bitOffset: UInt64, bitCount: UInt64) {
    self.bitOffset = bitOffset
    self.bitCount = bitCount
  }

  /// `count` whole bytes at `offset`.
  public init(byte offset: UInt64, count: UInt64) {
    self.init(bitOffset: offset &* 8, bitCount: count &* 8)
  }

  /// Whether it lies within the first `size` bytes.
  func fits(_ size: UInt64) -> Bool {
    let (bits, tooLarge) = size.multipliedReportingOverflow(by: 8)
    guard !tooLarge else { return false }
    return bitCount <= bits && bitOffset <= bits - bitCount
  }

  /// The number here; numbers wider than 64 bits, or bit fields that touch more than 8 bytes, are
  /// cut.
  func number(in structure: ByteView) throws(ByteError) -> UInt64 {
    let shift = bitOffset % 8
    let bytes = min(8, (shift + min(bitCount, 64) + 7) / 8)
    let word: UInt64 =
      switch bytes {
      case 8: try structure.load(UInt64.self, at: bitOffset / 8)
      case 4: UInt64(try structure.load(UInt32.self, at: bitOffset / 8))
      case 2: UInt64(try structure.load(UInt16.self, at: bitOffset / 8))
      case 1: UInt64(try structure.load(UInt8.self, at: bitOffset / 8))
      default: try Self.assemble(structure.subview(at: bitOffset / 8, count: bytes))
      }
    return (word >> shift) & (bitCount >= 64 ? .max : 1 << bitCount - 1)
  }

  private static func assemble(_ bytes: ByteView) -> UInt64 {
    bytes.copy().reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The text in the character array here, up to its NUL; nil if it is empty.
  func text(in structure: ByteView) -> String? {
    let bytes = structure.clampedSubview(at: bitOffset / 8, count: bitCount / 8).copy()
    let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    return text.isEmpty ? nil : text
  }
}
