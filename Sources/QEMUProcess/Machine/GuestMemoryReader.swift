import Bytes
import Symbols
public import Targets

extension GuestMemoryLayout {
  /// Where the guest's memory is, by QEMU's variables: its list of RAM blocks (`ram_list`) and the
  /// map of its system memory (`address_space_memory`). Throws if there is no map.
  public init(_ structures: QEMUStructures) throws(StructureError) {
    let reader = try GuestMemoryReader(structures)
    self.init(
      blocks: reader.blocks, ranges: reader.ranges, evidence: reader.evidence,
      diagnostics: reader.diagnostics)
  }
}

/// Reads RAM blocks and the map out of QEMU's structures.
private struct GuestMemoryReader: StructureReading {
  private let structures: QEMUStructures
  private(set) var blocks: [GuestRAMBlock] = []
  private(set) var ranges: [GuestFlatRange] = []
  private(set) var evidence: [String] = []
  var diagnostics: [String] = []
  /// `blocks` by the addresses of their structures.
  private var indices: [VirtualAddress: Int] = [:]

  /// More ranges than any machine's map has.
  private static let rangeLimit: UInt64 = 1 << 16
  /// More virtio-mem devices than a machine has slots for.
  private static let deviceLimit = 1 << 8
  /// How many ranges were asked for what is plugged in.
  private var devices = 0

  init(_ structures: QEMUStructures) throws(StructureError) {
    self.structures = structures
    collect("the RAM blocks") { (reader: inout Self) throws(StructureError) in
      try reader.readBlocks()
    }
    try readMap()
  }

  // MARK: RAM blocks

  private mutating func readBlocks() throws(StructureError) {
    guard let list = try structures.global(["ram_list"], in: "physmem.c") else {
      throw .noVariable("ram_list")
    }
    let walk = ListWalk(head: try list.member("blocks"), first: "lh_first", link: "next.le_next")
    if let problem = walk.problem { diagnostics.append("the RAM blocks: \(problem)") }
    for element in walk.elements {
      collect("the RAM block at \(element.address)") {
        (reader: inout Self) throws(StructureError) in
        _ = try reader.add(block: element)
      }
    }
    evidence.append("\(blocks.count) RAM blocks by ram_list at \(list.address)")
  }

  /// The index of the block whose structure is `block`.
  private mutating func add(block: TypedAddress) throws(StructureError) -> Int {
    if let known = indices[block.address] { return known }
    let host = VirtualAddress(try block.member("host").unsigned())
    let used = try block.member("used_length").unsigned()
    let most = try block.member("max_length").unsigned()
    let name = try block.member("idstr").inlineString()
    if used > most {
      diagnostics.append("\(name) uses \(used) of its \(most) bytes")
    }
    blocks.append(
      GuestRAMBlock(
        name: name, host: host, count: min(used, most), address: block.address))
    indices[block.address] = blocks.count - 1
    return blocks.count - 1
  }

  // MARK: The map

  private mutating func readMap() throws(StructureError) {
    guard let space = try structures.global(["address_space_memory"], in: "physmem.c") else {
      throw .noVariable("address_space_memory")
    }
    let pointer = try space.member("current_map").unsigned()
    guard pointer != 0,
      let view = try structures.structure("FlatView", in: "memory.c", at: VirtualAddress(pointer))
    else { throw .wrongType(wanted: "FlatView", address: space.address) }
    let count = try believedCount(of: view)
    let first = VirtualAddress(try view.member("ranges").unsigned())
    guard
      let sample = try structures.structure("FlatRange", in: "memory.c", at: first),
      let size = try sample.byteCount()
    else { throw .wrongType(wanted: "FlatRange", address: first) }
    for index in 0..<count {
      guard ranges.count <= Self.rangeLimit else {
        diagnostics.append("the map from its range \(index) on: it is in too many pieces")
        break
      }
      let range = TypedAddress(
        address: first &+ index &* size, type: sample.type, memory: structures.process.memory)
      do throws(StructureError) {
        try readRange(range)
      } catch {
        diagnostics.append("the map from its range \(index) on: \(error)")
        break
      }
    }
    evidence.append(
      "\(ranges.count) of \(count) ranges are memory, by address_space_memory at \(space.address) and its FlatView at \(view.address)"
    )
  }

  private mutating func believedCount(of view: TypedAddress) throws(StructureError) -> UInt64 {
    let count = try view.member("nr").unsigned()
    let most = min(try view.member("nr_allocated").unsigned(), Self.rangeLimit)
    if count > most {
      diagnostics.append("the map claims \(count) ranges, but can't have more than \(most)")
    }
    return min(count, most)
  }

  private mutating func readRange(_ range: TypedAddress) throws(StructureError) {
    let pointer = VirtualAddress(try range.member("mr").unsigned())
    guard let region = try structures.structure("MemoryRegion", in: "memory.c", at: pointer) else {
      throw .wrongType(wanted: "MemoryRegion", address: pointer)
    }
    guard let kind = try kind(of: range, region) else { return }
    let start = try range.member("addr.start").unsigned128()
    let size = try range.member("addr.size").unsigned128()
    guard start <= UInt128(UInt64.max) else {
      diagnostics.append("memory at \(hex(start)) is beyond all addresses")
      return
    }
    let address = PhysicalAddress(UInt64(start))
    guard let block = try block(of: region, at: address) else { return }
    let found = GuestFlatRange(
      start: address, count: UInt64(clamping: size), kind: kind, block: block,
      offset: try range.member("offset_in_region").unsigned())
    if try region.hasMember("rdm"), let manager = try region.member("rdm").pointee() {
      ranges += try populated(found, by: manager)
    } else {
      ranges.append(found)
    }
  }

  private mutating func block(
    of region: TypedAddress, at start: PhysicalAddress
  ) throws(StructureError) -> Int? {
    let address = VirtualAddress(try region.member("ram_block").unsigned())
    if let known = indices[address] { return known }
    guard address.rawValue != 0,
      let block = try structures.structure("RAMBlock", in: "physmem.c", at: address)
    else {
      diagnostics.append("the memory at \(start) has no RAM block")
      return nil
    }
    diagnostics.append("the RAM block at \(address) of the memory at \(start) isn't in ram_list")
    return try add(block: block)
  }

  /// What kind of memory `range` is, of which `region` is the memory region; nil if it's none: I/O,
  /// or flash whose reads go to the device at present (`romd_mode`; include/exec/memory.h,
  /// `memory_access_is_direct`).
  ///
  /// Persistent memory is told by the range's own mark, as `info mtree -f` does: that of an NVDIMM
  /// is set on the alias through which it is seen, and not on its region.
  private func kind(
    of range: TypedAddress, _ region: TypedAddress
  ) throws(StructureError) -> MemoryMapEntry.Kind? {
    if try region.member("rom_device").isTrue() {
      return try range.member("romd_mode").isTrue() ? .romDevice : nil
    }
    guard try region.member("ram").isTrue() else { return nil }
    if try region.member("ram_device").isTrue() { return .ramDevice }
    if try range.member("nonvolatile").isTrue() { return .nonvolatile }
    return try range.member("readonly").isTrue() ? .rom : .ram
  }

  /// The parts of `range` that are plugged in, of a device that says so by `manager`.
  private mutating func populated(
    _ range: GuestFlatRange, by manager: TypedAddress
  ) throws(StructureError) -> [GuestFlatRange] {
    devices += 1
    guard devices <= Self.deviceLimit else {
      diagnostics.append(
        "the memory at \(range.start): more than \(Self.deviceLimit) devices have parts plugged in")
      return []
    }
    let objects = QOMObjects(structures)
    let type = try objects.typeName(of: manager.address)
    guard type == VirtualMemoryDevice.typeName,
      let device = try structures.structure(
        "VirtIOMEM", in: "virtio-mem.c", at: manager.address)
    else {
      diagnostics.append(
        "the memory at \(range.start): which parts \(type) has plugged in isn't known")
      return [range]
    }
    return try VirtualMemoryDevice(device).plugged(of: range)
  }
}
