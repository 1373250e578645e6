public import Bytes

/// A section of call frame information.
public struct CFISection: Sendable {
  public enum Kind: Hashable, Sendable {
    case ehFrame, debugFrame
  }
  public let kind: Kind
  public let bytes: ByteView
  /// Where the file links the section to be (for `.debug_frame`, 0).
  public let address: VirtualAddress
  public let order: ByteOrder

  public init(
    _ kind: Kind, _ bytes: ByteView, address: VirtualAddress = VirtualAddress(0),
    order: ByteOrder = .littleEndian
  ) {
    self.kind = kind
    self.bytes = bytes
    self.address = address
    self.order = order
  }
}

/// An FDE: a range of instructions, and how the rows change along it.
struct FrameDescription: Sendable {
  let offset: UInt64
  let cie: CommonInformation
  let start: UInt64
  let end: UInt64
  /// Offsets in the section.
  let instructions: Range<UInt64>

  func contains(_ address: VirtualAddress) -> Bool {
    start <= address.rawValue && address.rawValue < end
  }
}

/// Reads the entries of `.eh_frame` (LSB 5, Core, section 10.6.1) or `.debug_frame` (DWARF 5,
/// section 6.4.1).
struct CFIReader: Sendable {
  let section: CFISection
  let bases: PointerBases
  let architecture: Architecture

  /// The beginning that CIEs and FDEs share:
  ///
  ///     0        4                      4 or 12
  ///     length   [64-bit length if      CIE id or CIE pointer, in 4 bytes
  ///              length is 0xffffffff]  (8 in a 64-bit `.debug_frame` entry)
  ///
  /// In `.eh_frame` the CIE pointer counts backwards from itself, and 0 marks a CIE. In
  /// `.debug_frame` it counts from the section's start, and all ones mark a CIE.
  struct Header {
    enum Kind {
      case terminator
      case cie
      case fde(cie: UInt64)
    }
    let offset: UInt64
    let kind: Kind
    /// Where the bytes after the CIE id or pointer begin.
    let body: UInt64
    let end: UInt64
  }

  func header(at offset: UInt64) throws(UnwindError) -> Header {
    var cursor = self.cursor(offset..<max(offset, UInt64(section.bytes.count)), entry: offset)
    var length = UInt64(try cursor.read(UInt32.self))
    if length == 0 {
      return Header(offset: offset, kind: .terminator, body: cursor.offset, end: cursor.offset)
    }
    let is64Bit = length == 0xffff_ffff
    if is64Bit { length = try cursor.read(UInt64.self) }
    guard length <= cursor.remaining else {
      throw .lengthBeyondSection(length: length, entry: offset)
    }
    let start = cursor.offset
    let end = start + length
    cursor = self.cursor(start..<end, entry: offset)
    let kind: Header.Kind
    switch section.kind {
    case .ehFrame:
      let pointer = UInt64(try cursor.read(UInt32.self))
      // One that leads out of the section is caught by `cie(at:for:)`.
      kind = pointer == 0 ? .cie : .fde(cie: start &- pointer)
    case .debugFrame:
      let id = is64Bit ? try cursor.read(UInt64.self) : UInt64(try cursor.read(UInt32.self))
      kind = id == (is64Bit ? .max : 0xffff_ffff) ? .cie : .fde(cie: id)
    }
    return Header(offset: offset, kind: kind, body: cursor.offset, end: end)
  }

  func cursor(_ range: Range<UInt64>, entry: UInt64) -> EntryCursor {
    EntryCursor(section.bytes, range, order: section.order, entry: entry)
  }

  func space(addressSize: UInt8) -> PointerSpace {
    PointerSpace(address: section.address, bases: bases, addressSize: addressSize)
  }

  /// The FDE at `offset`. Throws `.notACIE` if something else is there.
  func fde(at offset: UInt64) throws(UnwindError) -> FrameDescription {
    let header = try self.header(at: offset)
    guard case .fde(let cieOffset) = header.kind else {
      throw .notACIE(offset: offset, entry: offset)
    }
    return try fde(header, cie: try cie(at: cieOffset, for: offset))
  }

  /// After the CIE pointer:
  ///
  ///     [segment selector]
  ///     pc_begin   by the CIE's pointer encoding (in `.debug_frame`: an address)
  ///     pc_range   in the same format, but a plain number
  ///     [augmentation data: length, bytes]
  ///     instructions
  func fde(_ header: Header, cie: CommonInformation) throws(UnwindError) -> FrameDescription {
    var cursor = self.cursor(header.body..<header.end, entry: header.offset)
    let space = self.space(addressSize: cie.addressSize)
    try cursor.skip(UInt64(cie.segmentSize))
    guard
      let start = try cursor.readPointer(cie.pointerEncoding, in: space),
      let length = try cursor.readPointer(cie.pointerEncoding.formatOnly, in: space)
    else {
      throw .unsupportedPointerEncoding(cie.pointerEncoding.rawValue, entry: header.offset)
    }
    let (end, overflow) = start.addingReportingOverflow(length)
    if overflow { throw .overflow(entry: header.offset) }
    if cie.hasAugmentationData { try cursor.skip(try cursor.readULEB128()) }
    return FrameDescription(
      offset: header.offset, cie: cie, start: start, end: end,
      instructions: cursor.offset..<header.end)
  }
}
