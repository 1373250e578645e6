import Bytes
import Targets

/// Puts blocks and ranges that were found by shape together.
struct StructureLayout: Sendable {
  let list: RAMBlockList
  let region: MemoryRegionShape
  let view: FlatViewSearch.View
  let process: HostProcess

  /// The layout, or nil if a range contradicts the block it shows.
  func layout() -> GuestMemoryLayout {
    var diagnostics: [String] = []
    let probe = Probe(memory: process.memory)
    var indices: [UInt64: Int] = [:]
    for (index, block) in list.blocks.enumerated() { indices[block.region] = index }
    let ranges = view.ranges.compactMap { range -> GuestFlatRange? in
      guard let index = indices[range.region], range.count > 0,
        let kind = kind(of: range, probe, &diagnostics)
      else { return nil }
      let block = list.blocks[index]
      guard range.offset <= block.count else {
        diagnostics.append("the range at \(hex(range.start)) begins past the end of \(block.name)")
        return nil
      }
      let count = min(range.count, block.count - range.offset)
      if count < range.count {
        diagnostics.append("the range at \(hex(range.start)) goes past the end of \(block.name)")
      }
      guard count > 0 else { return nil }
      return GuestFlatRange(
        start: PhysicalAddress(range.start), count: count, kind: kind, block: index,
        offset: range.offset)
    }
    for block in list.blocks where region.isManaged(block.region, probe) {
      diagnostics.append(
        "\(block.name) is virtio-mem's: which of it is plugged in can't be told without symbols, and"
          + " what isn't reads as whatever it was last")
    }
    if region.flags == nil {
      diagnostics.append(
        "what kinds of memory there are can't be told: all is taken for RAM or ROM")
    }
    return GuestMemoryLayout(
      blocks: list.blocks.map { block in
        GuestRAMBlock(
          name: block.name, host: VirtualAddress(block.host), count: block.count,
          address: VirtualAddress(block.address))
      }, ranges: ranges, evidence: evidence, diagnostics: diagnostics + unmapped)
  }

  /// What `range` is to the guest; nil if its accesses go to a device's functions.
  private func kind(
    of range: FlatRangeShape.Range, _ probe: Probe, _ diagnostics: inout [String]
  ) -> MemoryMapEntry.Kind? {
    if range.isNonvolatile { return .nonvolatile }
    guard let flags = region.flags(of: range.region, probe) else {
      return range.isReadOnly ? .rom : .ram
    }
    if flags.isROMDevice { return range.isROMDeviceMode ? .romDevice : nil }
    if flags.isRAMDevice { return .ramDevice }
    return range.isReadOnly || flags.isReadOnly ? .rom : .ram
  }

  private var evidence: [String] {
    [
      "\(list.blocks.count) memory blocks in a list at \(hex(list.list.head)) of QEMU's variables:"
        + " each is pointed back to by its neighbour and by its memory region",
      "the address space “memory” at \(hex(view.addressSpace)) of QEMU's variables, its root"
        + " “system”, shows them in \(view.ranges.count) ranges at \(hex(view.view))",
    ]
  }

  /// Blocks that the dump has no mapping for, or a shorter one.
  private var unmapped: [String] {
    list.blocks.compactMap { block in
      let name = block.name.isEmpty ? "a block" : block.name
      guard process.mapping(containing: VirtualAddress(block.host)) != nil else {
        return "the memory of \(name) at \(hex(block.host)) isn't in the dump"
      }
      guard process.mapping(containing: VirtualAddress(block.host + (block.count - 1))) != nil
      else {
        return
          "the memory of \(name) at \(hex(block.host)), \(hex(block.count)) bytes, isn't in the"
          + " dump to its end"
      }
      return nil
    }
  }
}

/// `0x` and hexadecimal digits.
func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
