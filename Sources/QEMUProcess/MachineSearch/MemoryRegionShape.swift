import Bytes

/// Where a `MemoryRegion`'s members are, worked out from those that memory blocks belong to
/// (include/exec/memory.h, since 10.1 include/system/memory.h; the distances are 7.2's):
///
///       0  parent_obj    Object, 40 bytes
///      40  romd_mode, ram, subpage, readonly, nonvolatile, rom_device, …   a byte each, 0 or 1
///      56  ram_block     ◀── known
///      80  ops, opaque
///     232  name          ──▶ "pc.ram": the end of the block's idstr
struct MemoryRegionShape: Hashable, Sendable {
  let block: UInt64
  let name: UInt64
  /// Where the bytes `romd_mode`… begin; nil if there are none of the expected values.
  let flags: UInt64?

  private static let size: UInt64 = 512
  /// `sizeof(Object)`: class, free, properties, ref, parent (include/qom/object.h).
  private static let objectSize: UInt64 = 40

  init?(of list: RAMBlockList, _ probe: Probe) {
    block = list.layout.blockInRegion
    let named = list.blocks.filter { !$0.name.isEmpty }
    guard let first = named.first else { return nil }
    let bytes = probe.bytes(at: first.region, upTo: Self.size)
    let found = stride(from: block + 8, to: Self.size, by: 8).first { offset in
      guard let pointer = bytes.word(offset), Self.isName(pointer, of: first, probe) else {
        return false
      }
      return named.allSatisfy { block in
        guard let pointer = probe.word(at: block.region &+ offset) else { return false }
        return Self.isName(pointer, of: block, probe)
      }
    }
    guard let found else { return nil }
    name = found
    flags = Self.flags(of: list, before: block, probe)
  }

  /// `idstr` is the path of the device that owns the region, if there is one, and the region's name
  /// (`qemu_ram_set_idstr`, softmmu/physmem.c).
  private static func isName(_ pointer: UInt64, of block: FoundRAMBlock, _ probe: Probe) -> Bool {
    guard pointer != 0, let text = probe.text(at: pointer), !text.isEmpty else { return false }
    return block.name == text || block.name.hasSuffix("/" + text)
  }

  private static func flags(
    of list: RAMBlockList, before block: UInt64, _ probe: Probe
  ) -> UInt64? {
    let count: UInt64 = 7
    guard block >= objectSize + count else { return nil }
    let isPlausible = list.blocks.allSatisfy { block in
      let bytes = probe.bytes(at: block.region &+ objectSize, upTo: count)
      guard let ram = bytes.byte(1), let romDevice = bytes.byte(5), bytes.count == count,
        bytes.view.copy().allSatisfy({ $0 <= 1 })
      else { return false }
      // A block is memory, or what a flash device reads from; never both.
      return ram != romDevice
    }
    return isPlausible ? objectSize : nil
  }

  /// The region's name.
  func name(of region: UInt64, _ probe: Probe) -> String? {
    guard let pointer = probe.word(at: region &+ name), pointer != 0 else { return nil }
    return probe.text(at: pointer)
  }

  /// Whether a virtio-mem device decides which parts of the region there are (`rdm`, since 6.0).
  func isManaged(_ region: UInt64, _ probe: Probe) -> Bool {
    let bytes = probe.bytes(at: region, upTo: Self.size)
    return stride(from: block + 8, to: bytes.count, by: 8).contains { offset in
      guard let pointer = bytes.word(offset), pointer != 0 else { return false }
      return probe.objectType(at: pointer) == "virtio-mem"
    }
  }

  struct Flags: Hashable, Sendable {
    let isRAM: Bool
    let isROMDevice: Bool
    let isReadOnly: Bool
    let isRAMDevice: Bool
  }

  func flags(of region: UInt64, _ probe: Probe) -> Flags? {
    guard let flags else { return nil }
    let bytes = probe.bytes(at: region, upTo: Self.size)
    guard let ram = bytes.byte(flags + 1), let readOnly = bytes.byte(flags + 3),
      let romDevice = bytes.byte(flags + 5)
    else { return nil }
    // Only a region of a device's memory has operations whose argument is the region itself
    // (`memory_region_init_ram_device_ptr`).
    let isRAMDevice = stride(from: block + 8, through: block + 48, by: 8).contains {
      bytes.word($0) == region
    }
    return Flags(
      isRAM: ram == 1, isROMDevice: romDevice == 1, isReadOnly: readOnly == 1,
      isRAMDevice: isRAMDevice)
  }
}
