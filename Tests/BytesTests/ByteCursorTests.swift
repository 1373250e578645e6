import Bytes
import Testing

@Suite struct ByteCursorTests {
  private func cursor(_ bytes: [UInt8], order: ByteOrder = .littleEndian) -> ByteCursor {
    ByteCursor(ByteView(copying: bytes), order: order)
  }

  @Test func readsBothByteOrders() throws {
    var little = cursor([1, 2, 3, 4])
    #expect(try little.read(UInt32.self) == 0x0403_0201)
    var big = cursor([1, 2, 3, 4], order: .bigEndian)
    #expect(try big.read(UInt16.self) == 0x0102)
    #expect(big.offset == 2)
    #expect(big.remaining == 2)
  }

  @Test func aShortReadMovesNothing() {
    var cursor = cursor([1, 2, 3])
    #expect(throws: ByteError.outOfBounds(offset: 0, count: 4, available: 3)) {
      try cursor.read(UInt32.self)
    }
    #expect(cursor.offset == 0)
  }

  /// DWARF 5, tables 7.7 and 7.8, and the limits.
  @Test(
    arguments: [
      ([2], 2), ([127], 127), ([0x80, 1], 128), ([0x81, 1], 129), ([0xb9, 0x64], 12857),
      ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], UInt64.max),
      ([0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], 1),
    ] as [([UInt8], UInt64)])
  func unsignedLEB128(bytes: [UInt8], value: UInt64) throws {
    var cursor = cursor(bytes)
    #expect(try cursor.readULEB128() == value)
    #expect(cursor.isAtEnd)
  }

  @Test(
    arguments: [
      ([2], 2), ([0x7e], -2), ([0xff, 0], 127), ([0x81, 0x7f], -127), ([0x80, 1], 128),
      ([0x80, 0x7f], -128),
      ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], Int64.min),
      ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0], Int64.max),
    ] as [([UInt8], Int64)])
  func signedLEB128(bytes: [UInt8], value: Int64) throws {
    var cursor = cursor(bytes)
    #expect(try cursor.readSLEB128() == value)
    #expect(cursor.isAtEnd)
  }

  @Test func numbersBeyond64BitsAreRefused() {
    let tooLong: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]
    var unsigned = cursor(tooLong)
    #expect(throws: ByteError.oversizedLEB128(offset: 0)) { try unsigned.readULEB128() }
    var signed = cursor(tooLong)
    #expect(throws: ByteError.oversizedLEB128(offset: 0)) { try signed.readSLEB128() }
  }

  @Test func stringsNeedTheirEnd() throws {
    var cursor = cursor(Array("ab\0c".utf8))
    #expect(try cursor.readCString() == "ab")
    #expect(throws: ByteError.self) { try cursor.readCString() }
    let view = ByteView(copying: Array("ab\0c".utf8))
    #expect(try view.cString(at: 0) == "ab")
    #expect(throws: ByteError.unterminatedString(offset: 3, limit: 1)) { try view.cString(at: 3) }
    #expect(throws: ByteError.unterminatedString(offset: 0, limit: 2)) {
      try view.cString(at: 0, limit: 2)
    }
  }

  @Test func alignmentCountsFromTheStart() throws {
    var cursor = cursor([0, 1, 2, 3, 4, 5, 6, 7])
    try cursor.skip(1)
    try cursor.align(to: 4)
    #expect(cursor.offset == 4)
    try cursor.align(to: 4)
    #expect(cursor.offset == 4)
  }
}
