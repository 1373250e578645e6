import Bytes

/// The two parts of BTF data: types and strings (include/uapi/linux/btf.h, `struct btf_header`).
///
///      0       2   3   4      8       12      16      20      24        header length
///     ┌───────┬───┬───┬──────┬───────┬───────┬───────┬───────┬────────────┐
///     │ eb9f  │ 1 │   │header│ types │ types │strings│strings│ (more in   │ sections …
///     │       │   │   │length│ offset│ length│ offset│ length│ later ones)│
///     └───────┴───┴───┴──────┴───────┴───────┴───────┴───────┴────────────┘
///
/// The offsets count from the header's end.
struct BTFSections {
  let types: ByteView
  let strings: ByteView

  /// Throws `.malformed` unless the header is BTF's, of this byte order, and its sections lie apart
  /// within `view`.
  init(_ view: ByteView) throws(SymbolError) {
    let header: BTFHeader
    do throws(ByteError) {
      header = try BTFHeader(view)
    } catch {
      throw Self.problem("\(error)")
    }
    switch header.magic {
    case 0xeb9f: break
    case 0x9feb: throw Self.problem("it is big-endian, which this reader isn't for")
    default: throw Self.problem("it begins with \(hex(header.magic)), not with 0xeb9f")
    }
    guard header.version == 1 else {
      throw Self.problem("its version is \(header.version), not 1")
    }
    guard header.length >= BTFHeader.size else {
      throw Self.problem("it has only \(header.length) bytes")
    }
    guard !header.types.overlaps(header.strings) else {
      throw Self.problem("types and strings overlap")
    }
    types = try Self.section(header.types, in: view, behind: header)
    strings = try Self.section(header.strings, in: view, behind: header)
  }

  private static func section(
    _ range: Range<UInt64>, in view: ByteView, behind header: BTFHeader
  ) throws(SymbolError) -> ByteView {
    do throws(ByteError) {
      return try view.subview(
        at: UInt64(header.length) + range.lowerBound, count: UInt64(range.count))
    } catch {
      throw problem("\(error)")
    }
  }

  private static func problem(_ reason: String) -> SymbolError {
    .malformed(what: "BTF header", offset: 0, reason: reason)
  }
}

/// The fields, not yet checked.
private struct BTFHeader {
  static let size: UInt32 = 24

  let magic: UInt16
  let version: UInt8
  let length: UInt32
  let types: Range<UInt64>
  let strings: Range<UInt64>

  init(_ view: ByteView) throws(ByteError) {
    magic = try view.load(at: 0)
    version = try view.load(at: 2)
    length = try view.load(at: 4)
    types = try Self.range(view, at: 8)
    strings = try Self.range(view, at: 16)
  }

  /// Two words: offset and length.
  private static func range(_ view: ByteView, at offset: UInt64) throws(ByteError) -> Range<UInt64>
  {
    let start = UInt64(try view.load(UInt32.self, at: offset))
    return start..<start + UInt64(try view.load(UInt32.self, at: offset + 4))
  }
}
