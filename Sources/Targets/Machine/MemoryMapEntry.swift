public import Bytes

/// One range of a machine's physical address map that is memory.
public struct MemoryMapEntry: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, Codable {
    /// Ordinary memory.
    case ram
    /// Memory that the guest can't write.
    case rom
    /// Flash in its reading mode; the guest's writes go to the device.
    case romDevice
    /// Persistent memory (an NVDIMM).
    case nonvolatile
    /// A device's memory that is mapped into the guest (VFIO).
    case ramDevice

    /// Whether QEMU's `dump-guest-memory` has it in its dump: RAM and ROM, but no memory of devices;
    /// flash isn't RAM to it. It means to leave out what is persistent, but asks the region and not
    /// the alias that is marked (softmmu/memory_mapping.c, `guest_phys_blocks_region_add`;
    /// hw/mem/nvdimm.c), so that NVDIMMs are in its dumps, and in Varve's.
    public var isDumped: Bool { self == .ram || self == .rom || self == .nonvolatile }
  }

  public let start: PhysicalAddress
  /// In bytes; never 0.
  public let count: UInt64
  public let kind: Kind
  /// The hypervisor's name for the block of memory that is seen here: `pc.ram`; nil if unknown.
  public let block: String?
  /// Where in that block the range begins.
  public let blockOffset: UInt64

  public init(
    start: PhysicalAddress, count: UInt64, kind: Kind, block: String? = nil,
    blockOffset: UInt64 = 0
  ) {
    self.start = start
    self.count = count
    self.kind = kind
    self.block = block
    self.blockOffset = blockOffset
  }

  /// The last address.
  public var last: PhysicalAddress { start &+ (count - 1) }
}
