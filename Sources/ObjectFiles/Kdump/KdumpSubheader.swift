public import Bytes

/// The second block of a kdump-compressed dump: `kdump_sub_header` of makedumpfile's diskdump_mod.h.
/// Offsets are those of the file. The notes and the VMCOREINFO text usually follow it in the same
/// blocks. Of a 64-bit machine:
///
///       0  phys_base            8      56  size_note            8
///       8  dump_level           4      64  offset_eraseinfo     8
///      12  split                4      72  size_eraseinfo       8
///      16  start_pfn            8      80  start_pfn_64         8
///      24  end_pfn              8      88  end_pfn_64           8
///      32  offset_vmcoreinfo    8      96  max_mapnr_64         8
///      40  size_vmcoreinfo      8
///      48  offset_note          8
///
/// Of a 32-bit x86 machine, without padding (so also QEMU's `KdumpSubHeader32`):
///
///       0  phys_base            4      28  size_vmcoreinfo      4
///       4  dump_level           4      32  offset_note          8
///       8  split                4      40  size_note            4
///      12  start_pfn            4      44  offset_eraseinfo     8
///      16  end_pfn              4      52  size_eraseinfo       4
///      20  offset_vmcoreinfo    8      56  start_pfn_64, end_pfn_64, max_mapnr_64, 8 each
public struct KdumpSubheader: Hashable, Sendable {
  /// Where the kernel's image begins in physical memory less where it was linked to begin: may be
  /// negative, as two's complement.
  public var physicalBase: UInt64 = 0
  /// Which pages were left out, a bit for each kind; bit 0: pages of zeros.
  public var dumpLevel: UInt32 = 0
  /// Whether this is one of several files (then of the pages `firstPage` to `endPage` only).
  public var isSplit = false
  public var firstPage: UInt64 = 0
  public var endPage: UInt64 = 0
  /// Where the VMCOREINFO text lies; an empty range if there is none.
  public var vmcoreInfo = KdumpExtent()
  /// Where the ELF notes lie.
  public var notes = KdumpExtent()
  /// Where it is told what was erased from the dump.
  public var eraseInfo = KdumpExtent()
  /// One more than the highest page number.
  public var pageLimit: UInt64 = 0

  /// In bytes.
  public static let size = 104

  public init() {}

  /// Reads the sub-header at the start of `bytes`, as a dump of the header version `version` has
  /// it: what only later versions have stays as it is in an empty one. `pageLimit` is then the main
  /// header's. Throws `.damaged` if it isn't whole.
  public init(_ bytes: ByteView, header: KdumpHeader) throws(ObjectError) {
    do throws(ByteError) {
      try read(bytes, header.version, is32Bit: header.isOf32Bits)
    } catch {
      throw .damaged(
        what: "the dump's sub-header", offset: FileOffset(UInt64(header.blockSize)), cause: error)
    }
    if header.version < 6 { pageLimit = UInt64(header.pageLimit) }
  }

  private mutating func read(
    _ bytes: ByteView, _ version: UInt32, is32Bit: Bool
  ) throws(ByteError) {
    var cursor = ByteCursor(bytes)
    physicalBase = try cursor.readLong(is32Bit: is32Bit)
    if version >= 1 { dumpLevel = try cursor.read() }
    if version >= 2 {
      isSplit = try cursor.read(UInt32.self) != 0
      firstPage = try cursor.readLong(is32Bit: is32Bit)
      endPage = try cursor.readLong(is32Bit: is32Bit)
    }
    if version >= 3 { vmcoreInfo = try KdumpExtent(&cursor, is32Bit: is32Bit) }
    if version >= 4 { notes = try KdumpExtent(&cursor, is32Bit: is32Bit) }
    if version >= 5 { eraseInfo = try KdumpExtent(&cursor, is32Bit: is32Bit) }
    if version >= 6 {
      firstPage = try cursor.read()
      endPage = try cursor.read()
      pageLimit = try cursor.read()
    }
  }

  /// The sub-header as it stands in a 64-bit machine's file of version 6, `size` bytes.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(physicalBase)
    writer.append(dumpLevel)
    writer.append(UInt32(isSplit ? 1 : 0))
    // Readers of version 6 take the last three numbers instead of these.
    writer.append(firstPage)
    writer.append(endPage)
    for extent in [vmcoreInfo, notes, eraseInfo] {
      writer.append(extent.offset)
      writer.append(extent.count)
    }
    writer.append(firstPage)
    writer.append(endPage)
    writer.append(pageLimit)
    return writer.bytes
  }
}

/// A stretch of a dump's file; of no bytes if what it would hold isn't there.
public struct KdumpExtent: Hashable, Sendable {
  /// From the start of the file.
  public var offset: UInt64 = 0
  public var count: UInt64 = 0

  public init(offset: UInt64 = 0, count: UInt64 = 0) {
    self.offset = offset
    self.count = count
  }

  fileprivate init(_ cursor: inout ByteCursor, is32Bit: Bool) throws(ByteError) {
    offset = try cursor.read()
    count = try cursor.readLong(is32Bit: is32Bit)
  }
}
