public import Bytes
public import Targets

/// One of QEMU's blocks of guest memory (`RAMBlock`, include/exec/ramblock.h), wherever the guest
/// sees it, if anywhere.
public struct GuestRAMBlock: Hashable, Sendable {
  /// `idstr`: `pc.ram`, `/rom@etc/acpi/tables`, `0000:00:02.0/vga.vram`.
  public let name: String
  /// Where the block lies in the QEMU process.
  public let host: VirtualAddress
  /// `used_length`, in bytes.
  public let count: UInt64
  /// Its `RAMBlock`; nil if the block was told by the user or found by content.
  public let address: VirtualAddress?

  public init(name: String, host: VirtualAddress, count: UInt64, address: VirtualAddress?) {
    self.name = name
    self.host = host
    self.count = count
    self.address = address
  }
}

/// One range of the guest's physical address space that a RAM block backs (`FlatRange`,
/// softmmu/memory.c; system/memory.c since 8.2).
public struct GuestFlatRange: Hashable, Sendable {
  public let start: PhysicalAddress
  /// In bytes.
  public let count: UInt64
  public let kind: MemoryMapEntry.Kind
  /// The index of the block in `GuestMemoryLayout.blocks`.
  public let block: Int
  /// Where in the block the range begins.
  public let offset: UInt64

  public init(
    start: PhysicalAddress, count: UInt64, kind: MemoryMapEntry.Kind, block: Int, offset: UInt64
  ) {
    self.start = start
    self.count = count
    self.kind = kind
    self.block = block
    self.offset = offset
  }
}

/// Where a guest's memory lies in its QEMU process, however that was found out.
public struct GuestMemoryLayout: Sendable {
  public var blocks: [GuestRAMBlock]
  /// In ascending order without overlaps.
  public var ranges: [GuestFlatRange]
  /// How it was found, a line each.
  public var evidence: [String]
  /// What is damaged or doubtful, a line each.
  public var diagnostics: [String]

  public init(
    blocks: [GuestRAMBlock], ranges: [GuestFlatRange], evidence: [String],
    diagnostics: [String] = []
  ) {
    self.blocks = blocks
    self.ranges = ranges
    self.evidence = evidence
    self.diagnostics = diagnostics
  }
}
