import Bytes

/// Reads one entry of an unwind section. Offsets count from the section's start, and errors name
/// the entry.
struct EntryCursor {
  private var cursor: ByteCursor
  /// Where the entry begins.
  let entry: UInt64

  /// Reads `range` of `section`; bytes beyond the section aren't there.
  init(_ section: ByteView, _ range: Range<UInt64>, order: ByteOrder, entry: UInt64) {
    cursor = ByteCursor(
      section.clampedSubview(at: 0, count: range.upperBound), at: range.lowerBound, order: order)
    self.entry = entry
  }

  var offset: UInt64 { cursor.offset }
  var remaining: UInt64 { cursor.remaining }
  var isAtEnd: Bool { cursor.isAtEnd }

  mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type = Number.self
  ) throws(UnwindError) -> Number {
    do throws(ByteError) {
      return try cursor.read(type)
    } catch {
      throw .bytes(error, entry: entry)
    }
  }

  mutating func readULEB128() throws(UnwindError) -> UInt64 {
    do throws(ByteError) {
      return try cursor.readULEB128()
    } catch {
      throw .bytes(error, entry: entry)
    }
  }

  mutating func readSLEB128() throws(UnwindError) -> Int64 {
    do throws(ByteError) {
      return try cursor.readSLEB128()
    } catch {
      throw .bytes(error, entry: entry)
    }
  }

  mutating func readBytes(_ count: UInt64) throws(UnwindError) -> ByteView {
    do throws(ByteError) {
      return try cursor.readBytes(count)
    } catch {
      throw .bytes(error, entry: entry)
    }
  }

  mutating func skip(_ count: UInt64) throws(UnwindError) {
    do throws(ByteError) {
      try cursor.skip(count)
    } catch {
      throw .bytes(error, entry: entry)
    }
  }

  /// A register number, as ULEB128.
  mutating func readRegister() throws(UnwindError) -> RegisterNumber {
    let number = try readULEB128()
    guard let register = UInt16(exactly: number) else {
      throw .registerNumber(number, entry: entry)
    }
    return RegisterNumber(register)
  }

  /// A pointer of a section that is linked to be at `space.address`. Nil for `DW_EH_PE_omit`.
  /// `function` is what `DW_EH_PE_funcrel` counts from.
  mutating func readPointer(
    _ encoding: PointerEncoding, in space: PointerSpace, function: UInt64? = nil
  ) throws(UnwindError) -> UInt64? {
    if encoding == .omitted { return nil }
    guard let base = encoding.base, encoding.isKnown else {
      throw .unsupportedPointerEncoding(encoding.rawValue, entry: entry)
    }
    if base == .aligned { try align(in: space) }
    guard
      let origin = space.origin(
        of: base, pointerAt: space.address.rawValue &+ cursor.offset, function: function)
    else { throw .unsupportedPointerEncoding(encoding.rawValue, entry: entry) }
    let stored: UInt64
    do throws(ByteError) {
      stored = try encoding.readStored(&cursor, addressSize: space.addressSize)
    } catch {
      throw .bytes(error, entry: entry)
    }
    // A stored 0 is a null pointer whatever it is relative to, as in libgcc's unwinder.
    if stored == 0 { return 0 }
    let pointer = space.narrowed(origin &+ stored)
    guard encoding.isIndirect else { return pointer }
    guard let target = space.bases.loadPointer?(VirtualAddress(pointer)) else {
      throw .unsupportedPointerEncoding(encoding.rawValue, entry: entry)
    }
    return target
  }

  /// Passes over a pointer whose value isn't wanted, and whose base so needn't be known.
  mutating func passPointer(
    _ encoding: PointerEncoding, in space: PointerSpace
  ) throws(UnwindError) {
    if encoding.base == .aligned { try align(in: space) }
    _ = try readPointer(encoding.formatOnly, in: space)
  }

  private mutating func align(in space: PointerSpace) throws(UnwindError) {
    let size = UInt64(space.addressSize)
    let misalignment = (space.address.rawValue &+ cursor.offset) % size
    if misalignment != 0 { try skip(size - misalignment) }
  }
}
