/// Reads one value after another from a view.
public struct ByteCursor: Sendable {
  /// What is read.
  public let view: ByteView
  /// In which order the bytes of numbers are stored.
  public let order: ByteOrder
  /// The next byte to read, from the start of `view`.
  public var offset: UInt64

  @inlinable
  public init(_ view: ByteView, at offset: UInt64 = 0, order: ByteOrder = .littleEndian) {
    self.view = view
    self.order = order
    self.offset = offset
  }

  /// How many bytes are left.
  @inlinable
  public var remaining: UInt64 { offset < UInt64(view.count) ? UInt64(view.count) - offset : 0 }

  @inlinable
  public var isAtEnd: Bool { remaining == 0 }

  /// Reads an integer of the type's own size. Throws `.outOfBounds`; the cursor then stays where it
  /// is.
  @inlinable
  public mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type = Number.self
  ) throws(ByteError) -> Number {
    let number = try view.load(Number.self, at: offset, order)
    offset += UInt64(MemoryLayout<Number>.size)
    return number
  }

  /// Reads `count` bytes.
  @inlinable
  public mutating func readBytes(_ count: UInt64) throws(ByteError) -> ByteView {
    let bytes = try view.subview(at: offset, count: count)
    offset += count
    return bytes
  }

  /// Passes over `count` bytes. Throws `.outOfBounds` if there are fewer.
  @inlinable
  public mutating func skip(_ count: UInt64) throws(ByteError) {
    _ = try view.check(offset, count)
    offset += count
  }

  /// Passes over padding up to the next multiple of `alignment` (a power of two) from the view's
  /// start.
  @inlinable
  public mutating func align(to alignment: UInt64) throws(ByteError) {
    let padding = (alignment &- offset & (alignment - 1)) & (alignment - 1)
    try skip(padding)
  }

  /// Reads a NUL-terminated string and passes over its NUL.
  public mutating func readCString(limit: UInt64 = .max) throws(ByteError) -> String {
    let start = offset
    while try read(UInt8.self) != 0 {
      if offset - start > limit {
        offset = start
        throw .unterminatedString(offset: start, limit: limit)
      }
    }
    let text = try view.subview(at: start, count: offset - start - 1)
    return String(decoding: text)
  }

  /// Reads an unsigned LEB128 number (DWARF 5, section 7.6). Throws `.oversizedLEB128` if a set bit
  /// lies beyond bit 63.
  @inlinable
  public mutating func readULEB128() throws(ByteError) -> UInt64 {
    let start = offset
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try read(UInt8.self)
      let bits = UInt64(byte & 0x7f)
      if shift < 64 {
        guard (bits << shift) >> shift == bits else { throw .oversizedLEB128(offset: start) }
        result |= bits << shift
      } else if bits != 0 {
        throw .oversizedLEB128(offset: start)
      }
      if byte & 0x80 == 0 { return result }
      shift += 7
    }
  }

  /// Reads a signed LEB128 number (DWARF 5, section 7.6). Throws `.oversizedLEB128` if it doesn't
  /// fit in 64 bits.
  @inlinable
  public mutating func readSLEB128() throws(ByteError) -> Int64 {
    let start = offset
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try read(UInt8.self)
      let bits = UInt64(byte & 0x7f)
      if shift < 63 {
        result |= bits << shift
      } else if shift == 63 {
        // Only the lowest bit has room; the others must repeat it as the sign.
        guard bits == 0 || bits == 0x7f else { throw .oversizedLEB128(offset: start) }
        result |= bits << 63
      } else {
        let sign: UInt64 = result >> 63 == 1 ? 0x7f : 0
        guard bits == sign else { throw .oversizedLEB128(offset: start) }
      }
      shift += 7
      if byte & 0x80 == 0 {
        if shift < 64, byte & 0x40 != 0 { result |= ~0 << shift }
        return Int64(bitPattern: result)
      }
    }
  }
}
