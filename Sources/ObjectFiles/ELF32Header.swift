internal import Bytes

/// The header of a 32-bit little-endian ELF file.
///
///      0  7f 'E' 'L' 'F'
///      4  class (1: 32-bit)      5  byte order (1: little)    6  version (1)   7  OS ABI
///     16  e_type u16            18  e_machine u16            20  e_version u32
///     24  e_entry u32           28  e_phoff u32              32  e_shoff u32
///     36  e_flags u32           40  e_ehsize u16
///     42  e_phentsize u16       44  e_phnum u16
///     46  e_shentsize u16       48  e_shnum u16              50  e_shstrndx u16
///
/// Source: System V gABI, chapter 4, "ELF header".
struct ELF32Header {
  let type: ELFType
  let machine: ELFMachine
  let programHeaderOffset: UInt64
  let sectionHeaderOffset: UInt64
  let programHeaderEntrySize: UInt64
  /// As stored: 0xffff (`PN_XNUM`) means that section 0's `sh_info` holds the count.
  let programHeaderCount: UInt64

  /// The size of a program header in bytes.
  private static let programHeaderSize: UInt64 = 32
  /// Where `sh_info` lies in a section header.
  private static let sectionInfoOffset: UInt64 = 28

  /// Whether `bytes` begin as a 32-bit little-endian ELF file does.
  static func matches(_ bytes: ByteView) -> Bool {
    bytes.clampedSubview(at: 0, count: 6).copy() == [0x7f, 0x45, 0x4c, 0x46, 1, 1]
  }

  init(_ bytes: ByteView) throws(ObjectError) {
    do throws(ByteError) {
      var cursor = ByteCursor(bytes, at: 16)
      type = ELFType(rawValue: try cursor.read())
      machine = ELFMachine(rawValue: try cursor.read())
      try cursor.skip(8)
      programHeaderOffset = UInt64(try cursor.read(UInt32.self))
      sectionHeaderOffset = UInt64(try cursor.read(UInt32.self))
      try cursor.skip(6)
      programHeaderEntrySize = UInt64(try cursor.read(UInt16.self))
      programHeaderCount = UInt64(try cursor.read(UInt16.self))
    } catch {
      throw .damaged(what: "ELF header", offset: FileOffset(0), cause: error)
    }
  }

  /// The program headers that lie in the file, and what is wrong with the table.
  func segments(in bytes: ByteView) -> ([ELFSegment], [ELFDiagnostic]) {
    guard programHeaderOffset != 0, programHeaderCount != 0 else { return ([], []) }
    let table = FileOffset(programHeaderOffset)
    guard programHeaderEntrySize >= Self.programHeaderSize else {
      let message = "program headers of \(programHeaderEntrySize) bytes are too short"
      return ([], [ELFDiagnostic(offset: FileOffset(42), message: message)])
    }
    var diagnostics: [ELFDiagnostic] = []
    var count = programHeaderCount
    var segments: [ELFSegment] = []
    do throws(ByteError) {
      if count == 0xffff, sectionHeaderOffset != 0 {
        count = UInt64(
          try bytes.load(UInt32.self, at: sectionHeaderOffset + Self.sectionInfoOffset))
      }
      for index in 0..<count {
        segments.append(
          try Self.segment(bytes, at: table.rawValue + index * programHeaderEntrySize))
      }
    } catch {
      let message = "only \(segments.count) of \(count) program headers lie in the file"
      diagnostics.append(ELFDiagnostic(offset: table, message: message))
    }
    return (segments, diagnostics)
  }

  /// One program header.
  ///
  ///      0  p_type u32    4  p_offset u32   8  p_vaddr u32   12  p_paddr u32
  ///     16  p_filesz u32 20  p_memsz u32   24  p_flags u32   28  p_align u32
  private static func segment(
    _ bytes: ByteView, at offset: UInt64
  ) throws(ByteError) -> ELFSegment {
    var cursor = ByteCursor(bytes, at: offset)
    var fields: [UInt32] = []
    for _ in 0..<8 { fields.append(try cursor.read()) }
    return ELFSegment(
      type: ELFSegmentType(rawValue: fields[0]), permissions: ELFPermissions(rawValue: fields[6]),
      fileOffset: FileOffset(UInt64(fields[1])), address: VirtualAddress(UInt64(fields[2])),
      physicalAddress: PhysicalAddress(UInt64(fields[3])), fileSize: UInt64(fields[4]),
      memorySize: UInt64(fields[5]), alignment: UInt64(fields[7]))
  }
}
