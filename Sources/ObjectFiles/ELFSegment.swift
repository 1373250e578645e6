public import Bytes

/// `p_type`: what a program header describes.
public struct ELFSegmentType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let load = ELFSegmentType(rawValue: 1)
  public static let dynamic = ELFSegmentType(rawValue: 2)
  public static let interpreter = ELFSegmentType(rawValue: 3)
  public static let note = ELFSegmentType(rawValue: 4)
  public static let programHeaders = ELFSegmentType(rawValue: 6)
  public static let threadLocal = ELFSegmentType(rawValue: 7)
  /// The `.eh_frame_hdr` section, as GNU and LLVM tools mark it for unwinders.
  public static let gnuExceptionFrame = ELFSegmentType(rawValue: 0x6474_e550)
  public static let gnuProperty = ELFSegmentType(rawValue: 0x6474_e553)

  public var description: String {
    switch self {
    case .load: "LOAD"
    case .dynamic: "DYNAMIC"
    case .interpreter: "INTERP"
    case .note: "NOTE"
    case .programHeaders: "PHDR"
    case .threadLocal: "TLS"
    case .gnuExceptionFrame: "GNU_EH_FRAME"
    case .gnuProperty: "GNU_PROPERTY"
    default: hex(rawValue)
    }
  }
}

/// `p_flags`: what a segment's pages allow.
public struct ELFPermissions: OptionSet, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let execute = ELFPermissions(rawValue: 1)
  public static let write = ELFPermissions(rawValue: 2)
  public static let read = ELFPermissions(rawValue: 4)

  /// `r-x` and the like, as in /proc/PID/maps.
  public var description: String {
    (contains(.read) ? "r" : "-") + (contains(.write) ? "w" : "-")
      + (contains(.execute) ? "x" : "-")
  }
}

/// One program header, as stored.
///
///      0  p_type u32      4  p_flags u32
///      8  p_offset u64   16  p_vaddr u64   24  p_paddr u64
///     32  p_filesz u64   40  p_memsz u64   48  p_align u64
///
/// Source: System V gABI, chapter 5, "Program Header".
public struct ELFSegment: Hashable, Sendable {
  /// The size of a program header in bytes.
  public static let headerSize: UInt64 = 56

  public let type: ELFSegmentType
  public let permissions: ELFPermissions
  public let fileOffset: FileOffset
  public let address: VirtualAddress
  public let physicalAddress: PhysicalAddress
  public let fileSize: UInt64
  public let memorySize: UInt64
  public let alignment: UInt64

  public init(
    type: ELFSegmentType, permissions: ELFPermissions, fileOffset: FileOffset,
    address: VirtualAddress, physicalAddress: PhysicalAddress = PhysicalAddress(0),
    fileSize: UInt64, memorySize: UInt64, alignment: UInt64
  ) {
    self.type = type
    self.permissions = permissions
    self.fileOffset = fileOffset
    self.address = address
    self.physicalAddress = physicalAddress
    self.fileSize = fileSize
    self.memorySize = memorySize
    self.alignment = alignment
  }

  init(_ bytes: ByteView, at offset: UInt64) throws(ByteError) {
    var cursor = ByteCursor(bytes, at: offset)
    type = ELFSegmentType(rawValue: try cursor.read())
    permissions = ELFPermissions(rawValue: try cursor.read())
    fileOffset = FileOffset(try cursor.read(UInt64.self))
    address = VirtualAddress(try cursor.read(UInt64.self))
    physicalAddress = PhysicalAddress(try cursor.read(UInt64.self))
    fileSize = try cursor.read()
    memorySize = try cursor.read()
    alignment = try cursor.read()
  }

  /// Whether `address` lies in the segment as loaded without bias. Right even for a segment that
  /// ends at, or runs past, the end of the address space.
  @inlinable
  public func contains(_ address: VirtualAddress) -> Bool {
    guard let distance = address.offset(from: self.address) else { return false }
    return distance < memorySize
  }
}
