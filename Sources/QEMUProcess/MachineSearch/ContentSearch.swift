import Bytes
import Targets

/// Tells the guest's memory by what is in it, for dumps that don't have QEMU's own structures.
///
/// The block that holds the guest's first megabyte shows what firmware leaves there. Its map is told
/// by the memory map that firmware gave the kernel (e820), else by the sizes at which QEMU's
/// machines split memory around the 4 GiB mark, if they agree.
struct ContentSearch: Sendable {
  let process: HostProcess

  /// Smaller guests than this aren't looked for, in bytes.
  private static let smallest: UInt64 = 1 << 20

  /// The C library's own mappings are smaller, in bytes.
  private static let large: UInt64 = 16 << 20

  func layout(windows: some MemoryWindows) throws(MachineSearchError) -> GuestMemoryLayout {
    let probe = Probe(memory: process.memory)
    let candidates = process.mappings.filter { mapping in
      mapping.isWritable && !mapping.isExecutable && mapping.count >= Self.smallest
    }.compactMap { mapping in
      FirmwareTraces(at: mapping.start.rawValue, probe).map { (mapping: mapping, traces: $0) }
    }
    guard let best = candidates.map(\.traces.count).max() else { throw .noMemory }
    let equals = candidates.filter { $0.traces.count == best }
    guard equals.count == 1, let low = equals.first else {
      throw .ambiguous(
        what: "which mapping is the guest's first memory",
        candidates: equals.map { "\($0.mapping.start):\(hex($0.mapping.count))@0" })
    }
    let maps = FirmwareMap.search(in: low.mapping, of: process, windows: windows)
    let split = try split(low.mapping, maps)
    return layout(low.mapping, split, low.traces, firmware: FirmwareImage(in: process, probe))
  }

  private func split(
    _ mapping: HostMapping, _ maps: [FirmwareMap]
  ) throws(MachineSearchError) -> (split: MemorySplit, evidence: String) {
    let size = mapping.count
    let told = Set(maps.compactMap { $0.split(ofSize: size) })
    if told.count == 1, let split = told.first {
      return (split, "the firmware's memory map (e820) in it fits \(split)")
    }
    if told.isEmpty, !maps.isEmpty {
      throw .ambiguous(
        what: "which mappings make up the memory that firmware saw",
        candidates: largeMappings.map { "\($0.start):\(hex($0.count))" })
    }
    let usual = told.isEmpty ? MemorySplit.usual(ofSize: size) : told.sorted { $0.low < $1.low }
    guard usual.count == 1, let split = usual.first else {
      throw .ambiguous(
        what: "where memory is split",
        candidates: usual.map { split in
          split.places(at: mapping.start).map { "\($0)" }.joined(separator: " and ")
        })
    }
    return (split, "memory of its size is nowhere split otherwise than \(split)")
  }

  /// What could be guest memory by its size alone.
  private var largeMappings: [HostMapping] {
    process.mappings.filter { mapping in
      mapping.isWritable && !mapping.isExecutable && mapping.count >= Self.large
    }
  }

  private func layout(
    _ mapping: HostMapping, _ found: (split: MemorySplit, evidence: String),
    _ traces: FirmwareTraces, firmware: FirmwareImage?
  ) -> GuestMemoryLayout {
    var blocks = [
      GuestRAMBlock(name: "ram", host: mapping.start, count: mapping.count, address: nil)
    ]
    var ranges = found.split.places(at: mapping.start).map { place in
      GuestFlatRange(
        start: place.start, count: place.count, kind: .ram, block: 0,
        offset: place.host.rawValue - mapping.start.rawValue)
    }
    var evidence = [
      "the mapping at \(mapping.start), \(hex(mapping.count)) bytes, holds "
        + traces.descriptions.joined(separator: ", "),
      found.evidence,
    ]
    if let firmware {
      let start = (UInt64(1) << 32) - firmware.count
      blocks.append(
        GuestRAMBlock(name: "firmware", host: firmware.host, count: firmware.count, address: nil))
      ranges.append(
        GuestFlatRange(
          start: PhysicalAddress(start), count: firmware.count, kind: .rom, block: 1, offset: 0))
      evidence.append("the mapping at \(firmware.host) ends as firmware does, with a reset vector")
    }
    return GuestMemoryLayout(
      blocks: blocks, ranges: ranges.sorted { $0.start < $1.start }, evidence: evidence,
      diagnostics: [
        "QEMU's own structures weren't found: memory was told by its contents; devices' windows in"
          + " it (0xa0000–0xbffff of a VGA), ROM among it, and memory plugged in later don't show"
      ])
  }
}

/// How a block of memory is laid around the 4 GiB mark: `low` bytes from 0, the rest from 4 GiB.
struct MemorySplit: Hashable, Sendable, CustomStringConvertible {
  let low: UInt64
  let high: UInt64

  static let fourGiB: UInt64 = 1 << 32

  var description: String {
    high == 0 ? "\(hex(low)) bytes from 0" : "\(hex(low)) bytes from 0 and \(hex(high)) from 4 GiB"
  }

  /// The splits that QEMU's machines make of memory of `size` bytes: what is beyond the first
  /// number's worth goes above 4 GiB, and then what is below is the second (hw/i386/pc_piix.c,
  /// pc_q35.c, microvm.c).
  static func usual(ofSize size: UInt64) -> [MemorySplit] {
    // pc and microvm: 3.5 and 3 GiB; q35: 2.75 and 2 GiB; max-ram-below-4g=4G leaves the most.
    let limits: [(from: UInt64, low: UInt64)] = [
      (0xe000_0000, 0xc000_0000), (0xb000_0000, 0x8000_0000),
    ]
    var splits: [MemorySplit] = []
    for limit in limits {
      let low = size < limit.from ? size : limit.low
      let split = MemorySplit(low: low, high: size - low)
      if !splits.contains(split) { splits.append(split) }
    }
    return splits
  }

  /// What a user would have to give to get this split of the block at `host`.
  func places(at host: VirtualAddress) -> [GivenRAM] {
    var places = [GivenRAM(host: host, count: low, start: PhysicalAddress(0))]
    if high > 0 {
      places.append(
        GivenRAM(host: host &+ low, count: high, start: PhysicalAddress(Self.fourGiB)))
    }
    return places
  }
}
