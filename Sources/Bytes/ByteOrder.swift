/// In which order the bytes of a number are stored.
public enum ByteOrder: Hashable, Sendable {
  case littleEndian, bigEndian

  /// The number whose stored form, read as if by the host, is `stored`.
  @inlinable
  public func decode<Number: FixedWidthInteger>(_ stored: Number) -> Number {
    switch self {
    case .littleEndian: Number(littleEndian: stored)
    case .bigEndian: Number(bigEndian: stored)
    }
  }
}
