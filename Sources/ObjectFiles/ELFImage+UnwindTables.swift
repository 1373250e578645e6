public import Bytes

/// A table for unwinders: its bytes as the file has them and where they are loaded.
public struct ELFUnwindTable: Sendable {
  /// The table's bytes. Without section headers they run to the end of the segment, as only the
  /// table's own terminator tells where it ends.
  public let bytes: ByteView
  /// Where the first byte is loaded, before any bias; 0 for `.debug_frame`, which isn't loaded.
  public let address: VirtualAddress
  /// How `bytes` are packed; nil if they aren't.
  public let compression: ELFCompressionHeader?
}

extension ELFImage {
  /// `.eh_frame_hdr`, by its segment (`PT_GNU_EH_FRAME`) or else its section; nil if there is none,
  /// as in debug files. Throws `.damaged` if the file ends before it.
  public func ehFrameHeader() throws(ObjectError) -> ELFUnwindTable? {
    if isDebugFile { return nil }
    if let segment = segments.first(where: { $0.type == .gnuExceptionFrame }),
      segment.fileSize > 0
    {
      return ELFUnwindTable(
        bytes: try contents(of: segment), address: segment.address, compression: nil)
    }
    return try unwindSection(".eh_frame_hdr")
  }

  /// `.eh_frame`, by its section or else by the address in `.eh_frame_hdr`. Throws `.damaged`.
  public func ehFrame() throws(ObjectError) -> ELFUnwindTable? {
    if let table = try unwindSection(".eh_frame") { return table }
    guard let header = try ehFrameHeader(),
      let address = try ehFrameAddress(header: header.bytes, at: header.address),
      let bytes = loadedBytes(at: address), !bytes.isEmpty
    else { return nil }
    return ELFUnwindTable(bytes: bytes, address: address, compression: nil)
  }

  /// `.debug_frame`, possibly packed. Throws `.damaged`.
  public func debugFrame() throws(ObjectError) -> ELFUnwindTable? {
    try unwindSection(".debug_frame")
  }

  private func unwindSection(_ name: String) throws(ObjectError) -> ELFUnwindTable? {
    guard let section = section(named: name), section.type != .noBits, section.size > 0 else {
      return nil
    }
    if let packed = try compression(of: section) {
      return ELFUnwindTable(
        bytes: packed.packed, address: section.address, compression: packed.header)
    }
    return ELFUnwindTable(
      bytes: try contents(of: section), address: section.address, compression: nil)
  }
}

/// Where `.eh_frame` is loaded according to a `.eh_frame_hdr` that is loaded at `address`; nil if
/// the pointer is absent or in an encoding that linkers don't use there. Throws
/// `.damaged` if the header is cut off.
///
///      0  version (1)   1  eh_frame_ptr's encoding   2  fde_count's   3  table's
///      4  eh_frame_ptr, as a rule 0x1b: signed 32 bits, relative to itself
///
/// Source: Linux Standard Base, Core, "DWARF Extensions".
func ehFrameAddress(
  header: ByteView, at address: VirtualAddress
) throws(ObjectError) -> VirtualAddress? {
  do throws(ByteError) {
    guard try header.load(UInt8.self, at: 0) == 1 else { return nil }
    let field = address &+ 4
    switch try header.load(UInt8.self, at: 1) {
    case 0x1b:  // pcrel | sdata4
      return field &+ UInt64(bitPattern: Int64(try header.load(Int32.self, at: 4)))
    case 0x1c, 0x14:  // pcrel | sdata8 or udata8
      return field &+ (try header.load(UInt64.self, at: 4))
    case 0x3b:  // datarel | sdata4, relative to the header's start
      return address &+ UInt64(bitPattern: Int64(try header.load(Int32.self, at: 4)))
    case 0x03:  // absolute, udata4
      return VirtualAddress(UInt64(try header.load(UInt32.self, at: 4)))
    case 0x00, 0x04:  // absolute
      return VirtualAddress(try header.load(UInt64.self, at: 4))
    default:
      return nil
    }
  } catch {
    throw .damaged(
      what: ".eh_frame_hdr", offset: FileOffset(UInt64(header.storageOffset)), cause: error)
  }
}
