internal import Bytes

/// Puts down the headers of a core in either class. Those of 64 bits are drawn at `ELFSegment` and
/// in elf(5); those of 32 bits have the same fields with addresses, offsets and sizes in 4 bytes,
/// and `p_flags` further back:
///
///      0  p_type u32      4  p_offset u32   8  p_vaddr u32   12  p_paddr u32
///     16  p_filesz u32   20  p_memsz u32   24  p_flags u32   28  p_align u32
///
/// Source: System V gABI, chapters 4 and 5. The caller has checked that all numbers fit.
struct ELFCoreHeaders {
  let isWide: Bool
  let machine: ELFMachine
  let flags: UInt32
  let osABI: UInt8

  var headerSize: UInt64 { isWide ? ELFHeader.size : 52 }
  var segmentSize: UInt64 { isWide ? ELFSegment.headerSize : 32 }
  var sectionSize: UInt64 { isWide ? ELFSection.headerSize : 40 }

  /// Appends a number of the size of an address.
  private func append(_ word: UInt64, to writer: inout ByteWriter) {
    if isWide {
      writer.append(word)
    } else {
      writer.append(UInt32(truncatingIfNeeded: word))
    }
  }

  func append(header writer: inout ByteWriter, count: UInt64, sectionHeader: UInt64) {
    writer.append(contentsOf: [0x7f, 0x45, 0x4c, 0x46, isWide ? 2 : 1, 1, 1, osABI])
    writer.append(UInt64(0))
    writer.append(ELFType.core.rawValue)
    writer.append(machine.rawValue)
    writer.append(UInt32(1))
    append(0, to: &writer)  // e_entry
    append(headerSize, to: &writer)  // e_phoff
    append(sectionHeader, to: &writer)
    writer.append(flags)
    writer.append(UInt16(headerSize))
    writer.append(UInt16(segmentSize))
    writer.append(UInt16(min(count, 0xffff)))
    writer.append(UInt16(sectionHeader == 0 ? 0 : sectionSize))
    writer.append(UInt16(sectionHeader == 0 ? 0 : 1))
    writer.append(UInt16(0))  // e_shstrndx
  }

  func append(_ segment: ELFSegment, to writer: inout ByteWriter) {
    writer.append(segment.type.rawValue)
    if isWide { writer.append(segment.permissions.rawValue) }
    append(segment.fileOffset.rawValue, to: &writer)
    append(segment.address.rawValue, to: &writer)
    append(segment.physicalAddress.rawValue, to: &writer)
    append(segment.fileSize, to: &writer)
    append(segment.memorySize, to: &writer)
    if !isWide { writer.append(segment.permissions.rawValue) }
    append(segment.alignment, to: &writer)
  }

  /// Section header 0 as PN_XNUM wants it: elf(5). Its `sh_size` repeats the number of sections.
  func append(sectionZero writer: inout ByteWriter, segments: UInt32) {
    writer.append(UInt64(0))  // sh_name, sh_type
    for _ in 0..<3 { append(0, to: &writer) }  // sh_flags, sh_addr, sh_offset
    append(1, to: &writer)  // sh_size
    writer.append(UInt32(0))  // sh_link
    writer.append(segments)  // sh_info
    append(0, to: &writer)
    append(0, to: &writer)
  }
}
