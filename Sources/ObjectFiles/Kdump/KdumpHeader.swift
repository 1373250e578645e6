public import Bytes

/// The first block of a kdump-compressed dump: `disk_dump_header` of makedumpfile's diskdump_mod.h,
/// as its x86-64 build lays it out.
///
///       0  signature "KDUMP   "     8      432  sub_hdr_size, in blocks      4
///       8  header_version           4      436  bitmap_blocks, both bitmaps  4
///      12  utsname: 6 texts of 65 390      440  max_mapnr, 32 bits of it     4
///     402  padding                  6      444  total_ram_blocks             4
///     408  timestamp: s, µs        16      448  device_blocks                4
///     424  status                   4      452  written_blocks               4
///     428  block_size               4      456  current_cpu                  4
///                                          460  nr_cpus                      4
///
/// Of a 32-bit x86 machine, 2 bytes of padding are enough, and the timestamp takes 8: all that follows
/// lies 12 bytes before (so also QEMU's `DiskDumpHeader32`, include/sysemu/dump.h).
public struct KdumpHeader: Hashable, Sendable {
  /// The kernel's own description of itself, as uname(2) gives it; empty texts are unknown.
  public struct SystemName: Hashable, Sendable {
    public var system = ""
    public var node = ""
    public var release = ""
    public var version = ""
    public var machine = ""
    public var domain = ""

    public init() {}

    /// In bytes: six texts of `__NEW_UTS_LEN` + 1 (`struct new_utsname`, the kernel's
    /// include/uapi/linux/utsname.h).
    public static let size = 390
    static let textSize: UInt64 = 65
    static var texts: [WritableKeyPath<SystemName, String>] {
      [\.system, \.node, \.release, \.version, \.machine, \.domain]
    }

    /// Reads a `struct new_utsname`. Throws `.outOfBounds`.
    public init(_ bytes: ByteView) throws(ByteError) {
      var cursor = ByteCursor(bytes)
      for text in Self.texts {
        let field = try cursor.readBytes(Self.textSize).copy()
        self[keyPath: text] = String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
  }

  /// What `status` and the flags of pages say.
  public enum Flag {
    /// Pages are zlib streams.
    public static let zlib: UInt32 = 0x1
    /// Pages are LZO1X blocks.
    public static let lzo: UInt32 = 0x2
    /// Pages are snappy blocks.
    public static let snappy: UInt32 = 0x4
    /// The dump wasn't finished.
    public static let incomplete: UInt32 = 0x8
    /// Page structures of pages that were left out are left out too.
    public static let excludedVmemmap: UInt32 = 0x10
    /// Pages are zstd frames.
    public static let zstd: UInt32 = 0x20
  }

  /// 6: page numbers have 64 bits.
  public var version: UInt32 = 6
  public var name = SystemName()
  /// Seconds since 1970 when the dump was taken; 0 if unknown.
  public var seconds: UInt64 = 0
  public var microseconds: UInt64 = 0
  /// `Flag`s: how pages are packed.
  public var status: UInt32 = 0
  /// In bytes: the size of a page.
  public var blockSize: UInt32 = 4096
  /// How many blocks the sub-header takes with what follows it.
  public var subheaderBlocks: UInt32 = 0
  /// How many blocks both bitmaps take together.
  public var bitmapBlocks: UInt32 = 0
  /// One more than the highest page number, or the highest number of 32 bits.
  public var pageLimit: UInt32 = 0
  public var cpuCount: UInt32 = 0

  /// Whether the dump is of a 32-bit x86 machine: its headers' longs have 4 bytes. QEMU, too, names
  /// such a machine after a CPU: i686.
  public var isOf32Bits: Bool { ["i386", "i486", "i586", "i686"].contains(name.machine) }

  /// How many bytes are used of the first block of a 64-bit machine's dump.
  public static let size = 464
  /// `KDUMP   `.
  public static let signature: UInt64 = 0x2020_2050_4d55_444b

  public init() {}

  /// Reads the header at the start of `bytes`. Throws `.damaged` if it isn't whole, `.invalid` if
  /// its signature is another one.
  public init(_ bytes: ByteView) throws(ObjectError) {
    let signature: UInt64
    do throws(ByteError) {
      signature = try bytes.load(at: 0)
      try read(bytes)
    } catch {
      throw .damaged(what: "the dump's header", offset: FileOffset(0), cause: error)
    }
    guard signature == Self.signature else {
      throw .invalid(what: "the dump's signature", offset: FileOffset(0), value: signature)
    }
  }

  private mutating func read(_ bytes: ByteView) throws(ByteError) {
    var cursor = ByteCursor(bytes, at: 8)
    version = try cursor.read()
    name = try SystemName(cursor.readBytes(UInt64(SystemName.size)))
    try cursor.align(to: isOf32Bits ? 4 : 8)
    seconds = try cursor.readLong(is32Bit: isOf32Bits)
    microseconds = try cursor.readLong(is32Bit: isOf32Bits)
    status = try cursor.read()
    blockSize = try cursor.read()
    subheaderBlocks = try cursor.read()
    bitmapBlocks = try cursor.read()
    pageLimit = try cursor.read()
    try cursor.skip(16)
    cpuCount = try cursor.read()
  }

  /// The header as it stands in a 64-bit machine's dump, `size` bytes. Texts are cut to 64 bytes.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.signature)
    writer.append(version)
    for text in SystemName.texts {
      writer.append(name[keyPath: text], paddedTo: Int(SystemName.textSize))
    }
    writer.pad(to: 8)
    writer.append(seconds)
    writer.append(microseconds)
    writer.append(status)
    writer.append(blockSize)
    writer.append(subheaderBlocks)
    writer.append(bitmapBlocks)
    writer.append(pageLimit)
    // Of the diskdump facility; nobody reads these for a kdump.
    for _ in 0..<4 { writer.append(UInt32(0)) }
    writer.append(cpuCount)
    return writer.bytes
  }
}

extension ByteCursor {
  /// A C `long` of the dumped machine.
  mutating func readLong(is32Bit: Bool) throws(ByteError) -> UInt64 {
    is32Bit ? UInt64(try read(UInt32.self)) : try read()
  }
}
