public import Bytes
internal import HostSystem
public import Targets

/// A format that a machine's memory can be written in.
public enum VMCoreFormat: String, CaseIterable, Hashable, Sendable, Codable {
  /// ELF as QEMU's QMP command `dump-guest-memory` writes it.
  case elf
  /// kdump-compressed ("makedumpfile format") with each page packed so.
  case kdumpZlib = "kdump-zlib"
  case kdumpLZO = "kdump-lzo"
  case kdumpSnappy = "kdump-snappy"
  case kdumpZstd = "kdump-zstd"
  /// The memory alone: each byte at the file offset of its physical address.
  case raw
}

/// What to write of a machine, and how.
public struct VMCoreOptions: Sendable {
  public var format: VMCoreFormat
  /// Only memory in this range; nil for all.
  public var range: Range<PhysicalAddress>?
  /// Leave pages of zeros out of a kdump (they read as absent there) and out of an ELF file's contents.
  public var filtersZeroPages: Bool
  /// The level that was asked for, as the output's header repeats it; nil for none. What is written is
  /// then what makedumpfile would write: pages of zeros share one in a kdump, and are left out of an
  /// ELF file (`-E`) together with what else is; of that, only stretches of a megabyte and more.
  public var level: DumpLevel?
  /// Which pages to leave out besides those of zeros; nil for none.
  public var exclusion: PageExclusion?
  /// How many threads pack pages; nil for one for each CPU.
  public var threadCount: Int?
  /// Let absent memory read as zeros in a format that can't tell the two apart (raw), instead of
  /// refusing to write it.
  public var allowsAbsentAsZeros: Bool
  /// The VMCOREINFO text to put into the output; nil for none.
  public var vmcoreInfo: ByteView?

  public init(format: VMCoreFormat) {
    self.format = format
    filtersZeroPages = false
    allowsAbsentAsZeros = false
  }

  /// How many threads to use.
  var effectiveThreadCount: Int { max(1, threadCount ?? Host.processorCount) }
}

/// What was written; counts in bytes of guest memory.
public struct VMCoreSummary: Hashable, Sendable {
  /// Memory whose contents are in the output.
  public var written: UInt64 = 0
  /// Of `written`, how much is zeros that take no room, at least where the output can have holes.
  public var zeros: UInt64 = 0
  /// Zeros that were left out because a filter said so.
  public var filtered: UInt64 = 0
  /// What else was left out, by what the pages are.
  public var excluded: [PageExclusion.Kind: UInt64] = [:]
  /// Memory of the machine that the input doesn't have, by reason; recorded as absent.
  public var absent: [MemoryFault.Reason: UInt64] = [:]
  /// How long the output is.
  public var fileSize: UInt64 = 0
  /// What the format can't say or what else the reader of the output must know, a line each.
  public var remarks: [String] = []

  public init() {}
}
