public import Bytes
public import Targets

/// A stretch of guest memory that a dump has in one piece.
public struct GuestBlock: Hashable, Sendable {
  public let start: PhysicalAddress
  /// In bytes; never 0.
  public let count: UInt64

  public init(start: PhysicalAddress, count: UInt64) {
    self.start = start
    self.count = count
  }

  /// The addresses in it. A block never includes the last address there is.
  public var range: Range<PhysicalAddress> { start..<start &+ count }
}

extension Machine {
  /// The memory that a dump holds, in ascending order without overlaps, as QEMU's
  /// `dump-guest-memory` divides it: neighbours in the map are one block if they are also neighbours
  /// in the same block of the hypervisor's memory, whether the guest may write them or not
  /// (softmmu/memory_mapping.c, `guest_phys_block_add_section`). Only what lies in `range` if that
  /// isn't nil.
  public func dumpedBlocks(in range: Range<PhysicalAddress>?) -> [GuestBlock] {
    var blocks: [GuestBlock] = []
    var previous: MemoryMapEntry?
    // Whatever the map claims, blocks ascend and don't overlap.
    var end: UInt64 = 0
    for entry in map where entry.kind.isDumped {
      let lower = max(entry.start.rawValue, end)
      // The very last byte of the space is given up so that every range has an end.
      let upper = entry.start.rawValue.addingClamped(entry.count)
      guard lower < upper else { continue }
      end = upper
      if let last = blocks.last, let previous, entry.continues(previous),
        last.start.rawValue + last.count == lower
      {
        blocks[blocks.count - 1] = GuestBlock(start: last.start, count: upper - last.start.rawValue)
      } else {
        blocks.append(GuestBlock(start: PhysicalAddress(lower), count: upper - lower))
      }
      previous = entry
    }
    guard let range else { return blocks }
    return blocks.compactMap { block in
      let part = block.range.clamped(to: range)
      guard !part.isEmpty else { return nil }
      return GuestBlock(
        start: part.lowerBound, count: part.upperBound.rawValue - part.lowerBound.rawValue)
    }
  }
}

extension MemoryMapEntry {
  /// Whether this comes right after `previous` in the same block of the hypervisor's memory.
  fileprivate func continues(_ previous: MemoryMapEntry) -> Bool {
    block != nil && block == previous.block
      && blockOffset == previous.blockOffset &+ previous.count
  }
}

extension UInt64 {
  /// The sum, or the largest number if it is bigger.
  func addingClamped(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
