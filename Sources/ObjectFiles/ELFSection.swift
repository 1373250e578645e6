public import Bytes

/// `sh_type`: how a section's contents are to be read.
public struct ELFSectionType: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let null = ELFSectionType(rawValue: 0)
  public static let programBits = ELFSectionType(rawValue: 1)
  public static let symbolTable = ELFSectionType(rawValue: 2)
  public static let stringTable = ELFSectionType(rawValue: 3)
  public static let dynamic = ELFSectionType(rawValue: 6)
  public static let note = ELFSectionType(rawValue: 7)
  /// Takes no room in the file: `.bss`, and every loaded section of a separate debug file.
  public static let noBits = ELFSectionType(rawValue: 8)
  public static let dynamicSymbols = ELFSectionType(rawValue: 11)
}

/// `sh_flags`, those that matter to a debugger.
public struct ELFSectionFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static let write = ELFSectionFlags(rawValue: 1)
  public static let allocated = ELFSectionFlags(rawValue: 2)
  public static let execute = ELFSectionFlags(rawValue: 4)
  public static let compressed = ELFSectionFlags(rawValue: 0x800)
}

/// One section header with its name.
///
///      0  sh_name u32     4  sh_type u32
///      8  sh_flags u64   16  sh_addr u64   24  sh_offset u64   32  sh_size u64
///     40  sh_link u32    44  sh_info u32
///     48  sh_addralign u64               56  sh_entsize u64
///
/// Source: System V gABI, chapter 4, "Sections".
public struct ELFSection: Hashable, Sendable {
  /// The size of a section header in bytes.
  public static let headerSize: UInt64 = 64

  /// Empty if the name couldn't be read.
  public let name: String
  public let type: ELFSectionType
  public let flags: ELFSectionFlags
  public let address: VirtualAddress
  public let fileOffset: FileOffset
  public let size: UInt64
  public let link: UInt32
  public let info: UInt32
  public let alignment: UInt64
  public let entrySize: UInt64

  let nameOffset: UInt32

  init(_ bytes: ByteView, at offset: UInt64) throws(ByteError) {
    var cursor = ByteCursor(bytes, at: offset)
    name = ""
    nameOffset = try cursor.read()
    type = ELFSectionType(rawValue: try cursor.read())
    flags = ELFSectionFlags(rawValue: try cursor.read())
    address = VirtualAddress(try cursor.read(UInt64.self))
    fileOffset = FileOffset(try cursor.read(UInt64.self))
    size = try cursor.read()
    link = try cursor.read()
    info = try cursor.read()
    alignment = try cursor.read()
    entrySize = try cursor.read()
  }

  init(_ section: ELFSection, name: String) {
    self.name = name
    nameOffset = section.nameOffset
    type = section.type
    flags = section.flags
    address = section.address
    fileOffset = section.fileOffset
    size = section.size
    link = section.link
    info = section.info
    alignment = section.alignment
    entrySize = section.entrySize
  }
}

/// How the contents of a section with `SHF_COMPRESSED` are packed.
///
///      0  ch_type u32 (1: zlib, 2: zstd)   4  reserved u32
///      8  ch_size u64                     16  ch_addralign u64
///     24  the packed bytes
///
/// Source: System V gABI, chapter 4, "Section Compression".
public struct ELFCompressionHeader: Hashable, Sendable {
  public enum Algorithm: Hashable, Sendable {
    case zlib, zstd
    case unknown(UInt32)
  }

  /// The header's size in bytes.
  public static let size: UInt64 = 24

  public let algorithm: Algorithm
  /// How many bytes come out, as the file claims.
  public let uncompressedSize: UInt64
  public let alignment: UInt64

  init(_ bytes: ByteView) throws(ByteError) {
    algorithm =
      switch try bytes.load(UInt32.self, at: 0) {
      case 1: .zlib
      case 2: .zstd
      case let other: .unknown(other)
      }
    uncompressedSize = try bytes.load(at: 8)
    alignment = try bytes.load(at: 16)
  }
}
