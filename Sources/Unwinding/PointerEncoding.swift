public import Bytes

/// How a pointer is stored in `.eh_frame` and `.eh_frame_hdr` (DW_EH_PE_…; LSB 5, Core,
/// section 10.5.1).
///
///     bit   7          6 5 4              3 2 1 0
///           indirect   relative to what   format
struct PointerEncoding: RawRepresentable, Hashable, Sendable {
  let rawValue: UInt8

  /// No pointer is stored.
  static let omitted = PointerEncoding(rawValue: 0xff)
  /// An address as it is, in an address's size.
  static let absolute = PointerEncoding(rawValue: 0)

  var isIndirect: Bool { rawValue & 0x80 != 0 && self != .omitted }

  /// The same format with nothing added, for lengths.
  var formatOnly: PointerEncoding { PointerEncoding(rawValue: rawValue & 0x0f) }

  /// What is added to the stored number.
  enum Base: UInt8 {
    case nothing = 0x00
    /// The pointer's own address.
    case itself = 0x10
    case text = 0x20
    case data = 0x30
    case function = 0x40
    /// Nothing, but the pointer is stored at the next multiple of its size.
    case aligned = 0x50
  }

  var base: Base? { Base(rawValue: rawValue & 0x70) }

  /// Bytes the pointer takes; nil if it is a LEB128 or the format is unknown.
  func size(addressSize: UInt8) -> UInt8? {
    switch rawValue & 0x0f {
    case 0x00, 0x08: addressSize
    case 0x02, 0x0a: 2
    case 0x03, 0x0b: 4
    case 0x04, 0x0c: 8
    default: nil
    }
  }

  var isKnown: Bool {
    switch rawValue & 0x0f {
    case 0x00...0x04, 0x08...0x0c: base != nil
    default: false
    }
  }

  /// Reads the number as stored, sign-extended where the format is signed. Unknown formats must
  /// have been refused by `isKnown`; they read as addresses.
  func readStored(_ cursor: inout ByteCursor, addressSize: UInt8) throws(ByteError) -> UInt64 {
    switch rawValue & 0x0f {
    case 0x01: try cursor.readULEB128()
    case 0x02: UInt64(try cursor.read(UInt16.self))
    case 0x03: UInt64(try cursor.read(UInt32.self))
    case 0x04, 0x0c: try cursor.read(UInt64.self)
    case 0x08: try cursor.readSigned(size: addressSize)
    case 0x09: try cursor.readSignedLEB128Bits()
    case 0x0a: try cursor.readSigned(size: 2)
    case 0x0b: try cursor.readSigned(size: 4)
    default: try cursor.readUnsigned(size: addressSize)
    }
  }
}

/// What the pointers of a section may be relative to.
struct PointerSpace: Sendable {
  /// Where the section is linked to be.
  let address: VirtualAddress
  let bases: PointerBases
  let addressSize: UInt8

  /// What is added to a stored number; nil if it isn't known.
  func origin(of base: PointerEncoding.Base, pointerAt itself: UInt64, function: UInt64?) -> UInt64?
  {
    switch base {
    case .nothing, .aligned: 0
    case .itself: itself
    case .text: bases.text?.rawValue
    case .data: bases.data?.rawValue
    case .function: function
    }
  }

  func narrowed(_ pointer: UInt64) -> UInt64 {
    addressSize == 4 ? pointer & 0xffff_ffff : pointer
  }
}

/// What pointers in unwind sections may be relative to.
public struct PointerBases: Sendable {
  /// The start of the text section (`DW_EH_PE_textrel`).
  public var text: VirtualAddress?
  /// The start of the data that the module's code addresses, on x86-64 the GOT
  /// (`DW_EH_PE_datarel`).
  public var data: VirtualAddress?
  /// Reads the pointer stored at a link-time address, relocated back to the link-time address of
  /// what it points to (`DW_EH_PE_indirect`).
  public var loadPointer: (@Sendable (VirtualAddress) -> UInt64?)?

  public init(
    text: VirtualAddress? = nil, data: VirtualAddress? = nil,
    loadPointer: (@Sendable (VirtualAddress) -> UInt64?)? = nil
  ) {
    self.text = text
    self.data = data
    self.loadPointer = loadPointer
  }
}
