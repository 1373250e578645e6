public import Bytes

/// `e_machine`: which CPU's code a file holds (gABI, "ELF header").
public struct ELFMachine: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let i386 = ELFMachine(rawValue: 3)
  // The name that Swift, kernels and compilers use.
  // swift-format-ignore: AlwaysUseLowerCamelCase
  public static let x86_64 = ELFMachine(rawValue: 62)
  public static let aarch64 = ELFMachine(rawValue: 183)

  private static let names: [UInt16: String] = [
    3: "i386", 8: "mips", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86-64",
    183: "aarch64", 243: "riscv", 258: "loongarch",
  ]

  public var description: String { Self.names[rawValue] ?? "machine \(rawValue)" }
}

/// `e_type`: what a file is for.
public struct ELFType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let relocatable = ELFType(rawValue: 1)
  public static let executable = ELFType(rawValue: 2)
  /// A shared library or a position-independent executable.
  public static let sharedObject = ELFType(rawValue: 3)
  public static let core = ELFType(rawValue: 4)

  public var description: String {
    switch self {
    case .relocatable: "relocatable file"
    case .executable: "executable"
    case .sharedObject: "shared object"
    case .core: "core file"
    default: "type \(rawValue)"
    }
  }
}

/// The header of a 64-bit little-endian ELF file.
///
///      0  7f 'E' 'L' 'F'
///      4  class (2: 64-bit)      5  byte order (1: little)    6  version (1)   7  OS ABI
///     16  e_type u16            18  e_machine u16            20  e_version u32
///     24  e_entry u64           32  e_phoff u64              40  e_shoff u64
///     48  e_flags u32           52  e_ehsize u16
///     54  e_phentsize u16       56  e_phnum u16
///     58  e_shentsize u16       60  e_shnum u16              62  e_shstrndx u16
///
/// Source: System V gABI, chapter 4, "ELF header".
public struct ELFHeader: Hashable, Sendable {
  /// The header's size in bytes.
  public static let size: UInt64 = 64

  public let osABI: UInt8
  public let type: ELFType
  public let machine: ELFMachine
  public let entry: VirtualAddress
  public let programHeaderOffset: FileOffset
  public let sectionHeaderOffset: FileOffset
  public let flags: UInt32
  public let programHeaderEntrySize: UInt16
  /// As stored: 0xffff (`PN_XNUM`) means that section 0's `sh_info` holds the count.
  public let programHeaderCount: UInt16
  public let sectionHeaderEntrySize: UInt16
  /// As stored: 0 with a non-zero table offset means that section 0's `sh_size` holds the count.
  public let sectionHeaderCount: UInt16
  /// As stored: 0xffff (`SHN_XINDEX`) means that section 0's `sh_link` holds the index.
  public let sectionNameIndex: UInt16

  /// Decodes the header at the start of `bytes`. Throws `.notELF`, `.unsupported` for 32-bit and
  /// big-endian files, `.damaged` if the header isn't whole.
  public init(_ bytes: ByteView) throws(ObjectError) {
    try Self.checkIdentity(bytes)
    do throws(ByteError) {
      osABI = try bytes.load(at: 7)
      var cursor = ByteCursor(bytes, at: 16)
      type = ELFType(rawValue: try cursor.read())
      machine = ELFMachine(rawValue: try cursor.read())
      try cursor.skip(4)
      entry = VirtualAddress(try cursor.read(UInt64.self))
      programHeaderOffset = FileOffset(try cursor.read(UInt64.self))
      sectionHeaderOffset = FileOffset(try cursor.read(UInt64.self))
      flags = try cursor.read()
      try cursor.skip(2)
      programHeaderEntrySize = try cursor.read()
      programHeaderCount = try cursor.read()
      sectionHeaderEntrySize = try cursor.read()
      sectionHeaderCount = try cursor.read()
      sectionNameIndex = try cursor.read()
    } catch {
      throw .damaged(what: "ELF header", offset: FileOffset(0), cause: error)
    }
  }

  /// Throws unless `bytes` begins as a 64-bit little-endian ELF file does.
  private static func checkIdentity(_ bytes: ByteView) throws(ObjectError) {
    let identity = bytes.clampedSubview(at: 0, count: 20).copy()
    let magic = Array(identity.prefix(4))
    guard magic == [0x7f, 0x45, 0x4c, 0x46] else { throw .notELF(found: magic) }
    guard identity.count == 20 else { return }  // The reader reports how much is missing.
    guard identity[4] == 2, identity[5] == 1 else {
      let width = [1: "32-bit", 2: "64-bit"][identity[4]] ?? "class \(identity[4])"
      let order =
        [1: "little-endian", 2: "big-endian"][identity[5]] ?? "byte order \(identity[5])"
      let low = UInt16(identity[identity[5] == 2 ? 19 : 18])
      let high = UInt16(identity[identity[5] == 2 ? 18 : 19])
      let machine = ELFMachine(rawValue: high << 8 | low)
      throw .unsupported(
        reason: "\(width) \(order) (\(machine)); only 64-bit little-endian files are read")
    }
  }
}
