import Bytes
import ObjectFiles

/// The notes that a kdump-compressed dump keeps in its sub-header.
///
/// The header: 8  version i32       428  block_size i32, also the sub-header's offset
///
/// `struct kdump_sub_header` of 64-bit machines, all u64 from 16 on:
///
///      0  phys_base    8  dump_level i32, split i32   16  start_pfn  24  end_pfn
///     32  offset_vmcoreinfo   40  size_vmcoreinfo     (since version 3)
///     48  offset_note         56  size_note           (since version 4)
///
/// `offset_note`'s area holds the same notes as an ELF dump. Source: makedumpfile's diskdump_mod.h.
struct KdumpNotes {
  private(set) var notes: [ELFNote] = []
  /// The VMCOREINFO text.
  private(set) var vmcoreInfo: ByteView?
  private(set) var diagnostics: [String] = []

  /// `bytes` are the whole file of a dump of a 64-bit little-endian machine.
  init(_ bytes: ByteView) {
    do throws(ByteError) {
      let version: Int32 = try bytes.load(at: 8)
      let subheader = UInt64(try bytes.load(UInt32.self, at: 428))
      if version >= 3 {
        vmcoreInfo = try area(bytes, "VMCOREINFO", describedAt: subheader + 32)
      }
      guard version >= 4, let area = try area(bytes, "notes", describedAt: subheader + 48) else {
        return
      }
      let base = FileOffset(UInt64(area.storageOffset))
      let (notes, damage) = ELFNote.list(in: area, base: base)
      self.notes = notes
      if let damage { diagnostics.append("notes: \(damage)") }
    } catch {
      diagnostics.append("the dump's sub-header is cut off: \(error)")
    }
  }

  /// What an offset and a size at `place` describe; nil if the size is 0.
  private mutating func area(
    _ bytes: ByteView, _ name: String, describedAt place: UInt64
  ) throws(ByteError) -> ByteView? {
    let offset: UInt64 = try bytes.load(at: place)
    let size: UInt64 = try bytes.load(at: place + 8)
    guard size > 0 else { return nil }
    let area = bytes.clampedSubview(at: offset, count: size)
    if UInt64(area.count) < size {
      diagnostics.append(
        "\(name) at offset \(hex(offset)): only \(area.count) of \(size) bytes lie in the file")
    }
    return area.isEmpty ? nil : area
  }
}
