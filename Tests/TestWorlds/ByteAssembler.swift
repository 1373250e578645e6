public import Bytes

/// Bytes written one value after another, little-endian.
public struct ByteAssembler: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public var count: Int { bytes.count }

  public mutating func append(_ more: some Sequence<UInt8>) { bytes += more }

  public mutating func u8(_ value: UInt8) { bytes.append(value) }

  public mutating func number<Number: FixedWidthInteger>(_ value: Number) {
    for index in 0..<(Number.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> Number(8 * index)))
    }
  }

  public mutating func uleb(_ value: UInt64) {
    var rest = value
    repeat {
      let byte = UInt8(rest & 0x7f)
      rest >>= 7
      bytes.append(rest == 0 ? byte : byte | 0x80)
    } while rest != 0
  }

  public mutating func sleb(_ value: Int64) {
    var rest = value
    while true {
      let byte = UInt8(truncatingIfNeeded: rest & 0x7f)
      rest >>= 7
      if (rest == 0 && byte & 0x40 == 0) || (rest == -1 && byte & 0x40 != 0) {
        bytes.append(byte)
        return
      }
      bytes.append(byte | 0x80)
    }
  }

  /// Overwrites the bytes at `offset`.
  public mutating func patch<Number: FixedWidthInteger>(_ value: Number, at offset: Int) {
    for index in 0..<(Number.bitWidth / 8) {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Number(8 * index))
    }
  }

  /// Appends `fill` until the count is a multiple of `alignment`.
  public mutating func pad(to alignment: Int, with fill: UInt8 = 0) {
    while bytes.count % alignment != 0 { bytes.append(fill) }
  }

  public var view: ByteView { ByteView(copying: bytes) }
}

/// One value of any stored form, for tables of bytes.
public func uleb(_ value: UInt64) -> [UInt8] {
  var assembler = ByteAssembler()
  assembler.uleb(value)
  return assembler.bytes
}

public func sleb(_ value: Int64) -> [UInt8] {
  var assembler = ByteAssembler()
  assembler.sleb(value)
  return assembler.bytes
}

public func little<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
  var assembler = ByteAssembler()
  assembler.number(value)
  return assembler.bytes
}
