import Bytes
import Targets

/// The address space that CPUs see (`address_space_memory`, a variable) and its current view, found
/// by names and cross-references (softmmu/memory.c; system/memory.c since 8.2):
///
///     AddressSpace    name ──▶ "memory"    root ──▶ MemoryRegion "system"    current_map ──▶ FlatView
///     FlatView        … ranges ──▶ FlatRange[nr]   nr, nr_allocated   dispatch   root ──▶ MemoryRegion
struct FlatViewSearch: Sendable {
  let blocks: RAMBlockList
  let region: MemoryRegionShape
  let probe: Probe

  /// A view and what led to it.
  struct View: Hashable, Sendable {
    /// The word of the variable that points to its name.
    let addressSpace: UInt64
    let view: UInt64
    let ranges: [FlatRangeShape.Range]
  }

  /// QEMU has one; each may cost a look at `FlatRangeShape.limit` ranges.
  private static let candidateLimit = 16
  /// Members of `AddressSpace` are within this many bytes of its name.
  private static let reach: UInt64 = 64

  /// The views of all variables that look like `address_space_memory`.
  func views(_ pointers: GlobalPointers) -> [View] {
    var byAddress: [UInt64: UInt64] = [:]
    for pointer in pointers.pointers { byAddress[pointer.address] = pointer.target }
    var found: [View] = []
    var candidates = 0
    for pointer in pointers.pointers where candidates < Self.candidateLimit {
      guard probe.text(at: pointer.target, limit: 7) == "memory" else { continue }
      let near = stride(
        from: pointer.address &- Self.reach, through: pointer.address &+ Self.reach, by: 8
      )
      .compactMap { byAddress[$0] }
      guard near.contains(where: { region.name(of: $0, probe) == "system" }) else { continue }
      candidates += 1
      for target in near where !blocks.isInGuestMemory(target) {
        guard let ranges = ranges(ofView: target) else { continue }
        found.append(View(addressSpace: pointer.address, view: target, ranges: ranges))
        break
      }
    }
    return found
  }

  /// The ranges of the `FlatView` at `view`; nil if there is none.
  private func ranges(ofView view: UInt64) -> [FlatRangeShape.Range]? {
    let bytes = probe.bytes(at: view, upTo: 96)
    for offset in stride(from: UInt64(8), through: 64, by: 8) {
      guard let array = bytes.word(offset), array & 7 == 0, array != 0,
        let count = bytes.long(offset + 8), let allocated = bytes.long(offset + 12),
        count > 0, count <= allocated, count <= FlatRangeShape.limit,
        !blocks.isInGuestMemory(array),
        let shape = FlatRangeShape(array: array, count: count, blocks, region, probe)
      else { continue }
      return shape.ranges
    }
    return nil
  }
}

/// How a `FlatRange` is arranged: only its size depends on how Int128 is aligned.
///
///      0  mr ──▶ MemoryRegion
///      8  offset_in_region
///     16  addr.start   Int128
///     32  addr.size    Int128
///     48  dirty_log_mask, romd_mode, readonly, nonvolatile   a byte each
struct FlatRangeShape: Sendable {
  /// One range as it is stored.
  struct Range: Hashable, Sendable {
    let region: UInt64
    let offset: UInt64
    let start: UInt64
    /// 0 for the whole space of 2⁶⁴ bytes.
    let count: UInt64
    let isROMDeviceMode: Bool
    let isReadOnly: Bool
    let isNonvolatile: Bool
  }

  let ranges: [Range]

  /// More ranges than this no machine has.
  static let limit: UInt32 = 1 << 16

  /// The elements of `array` if they are ranges in ascending order, and a memory block is among
  /// them.
  init?(
    array: UInt64, count: UInt32, _ blocks: RAMBlockList, _ region: MemoryRegionShape,
    _ probe: Probe
  ) {
    let regions = Set(blocks.blocks.map(\.region))
    for size: UInt64 in [64, 56] {
      if let ranges = Self.ranges(array: array, count: UInt64(count), size: size, region, probe),
        ranges.contains(where: { regions.contains($0.region) })
      {
        self.ranges = ranges
        return
      }
    }
    return nil
  }

  private static func ranges(
    array: UInt64, count: UInt64, size: UInt64, _ region: MemoryRegionShape, _ probe: Probe
  ) -> [Range]? {
    let bytes = probe.bytes(at: array, upTo: count * size)
    guard bytes.count == count * size else { return nil }
    var ranges: [Range] = []
    var end: UInt64? = 0
    for index in 0..<count {
      guard let range = range(in: bytes, at: index * size), let lower = end, range.start >= lower,
        region.name(of: range.region, probe) != nil
      else { return nil }
      let next = range.start.addingReportingOverflow(range.count)
      // Nothing may follow a range that reaches the end of the space.
      guard !next.overflow || next.partialValue == 0 else { return nil }
      end = next.overflow || range.count == 0 ? nil : next.partialValue
      ranges.append(range)
    }
    return ranges
  }

  private static func range(in bytes: ProbedBytes, at base: UInt64) -> Range? {
    guard let region = bytes.word(base), region & 7 == 0, region != 0,
      let offset = bytes.word(base + 8), let start = bytes.word(base + 16),
      bytes.word(base + 24) == 0, let count = bytes.word(base + 32),
      let countHigh = bytes.word(base + 40), let romd = bytes.byte(base + 49),
      let readOnly = bytes.byte(base + 50), let nonvolatile = bytes.byte(base + 51),
      countHigh == 0 ? count > 0 : countHigh == 1 && count == 0 && start == 0,
      romd <= 1, readOnly <= 1, nonvolatile <= 1
    else { return nil }
    return Range(
      region: region, offset: offset, start: start, count: count, isROMDeviceMode: romd == 1,
      isReadOnly: readOnly == 1, isNonvolatile: nonvolatile == 1)
  }
}

extension RAMBlockList {
  /// Whether `address` is one of guest memory, where nothing of QEMU's is.
  func isInGuestMemory(_ address: UInt64) -> Bool { blocks.contains { $0.holds(address) } }
}
