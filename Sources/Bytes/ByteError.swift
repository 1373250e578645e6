/// What can go wrong when bytes are decoded. Offsets count from the start of the view that was
/// read.
public enum ByteError: Error, Hashable, Sendable {
  /// `count` bytes were wanted at `offset`, and the view holds `available` in all.
  case outOfBounds(offset: UInt64, count: UInt64, available: UInt64)
  /// The LEB128 number at `offset` doesn't fit in 64 bits.
  case oversizedLEB128(offset: UInt64)
  /// No NUL byte ends the string at `offset` within `limit` bytes.
  case unterminatedString(offset: UInt64, limit: UInt64)
}

extension ByteError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .outOfBounds(let offset, let count, let available):
      "\(count) bytes wanted at offset \(hex(offset)), but only \(available) bytes are there"
    case .oversizedLEB128(let offset):
      "LEB128 number at offset \(hex(offset)) is longer than 64 bits"
    case .unterminatedString(let offset, let limit):
      "string at offset \(hex(offset)) has no end within \(limit) bytes"
    }
  }
}

/// `0x` and the hexadecimal digits of `value`, without padding.
public func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }

/// The hexadecimal digits of `value` without `0x`, with zeros before them up to `digits`.
public func paddedHex(_ value: some UnsignedInteger, digits: Int) -> String {
  let text = String(value, radix: 16)
  let missing = digits - text.utf8.count
  return missing > 0 ? String(repeating: "0", count: missing) + text : text
}
