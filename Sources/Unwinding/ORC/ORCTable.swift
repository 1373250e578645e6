public import Bytes
import Synchronization

/// The ORC table of a kernel image or of one of its modules, read in place: two arrays of the
/// kernel's own memory, of which only what a lookup needs is touched.
///
///     .orc_unwind_ip  int32 each: the code's address less the element's own address, ascending
///     .orc_unwind     `ORCEntry`s, one to each; it holds until the next one's code
///
/// A table out of order, cut short or full of nonsense gives errors or wrong rows, never more than
/// 64 probes to a lookup.
public final class ORCTable<Source: Memory>: UnwindTable {
  /// Where a table lies.
  public struct Place: Hashable, Sendable {
    /// The first element of `.orc_unwind_ip`.
    public let addresses: VirtualAddress
    /// The first element of `.orc_unwind`.
    public let entries: VirtualAddress
    /// How many elements each has.
    public let count: UInt64

    public init(addresses: VirtualAddress, entries: VirtualAddress, count: UInt64) {
      self.addresses = addresses
      self.entries = entries
      self.count = count
    }
  }

  public let place: Place
  public let layout: ORCLayout
  private let memory: Source
  private let code: Range<VirtualAddress>
  private let bias: UInt64
  private let cache = Mutex<[CachedRow]>([])

  private struct CachedRow {
    let address: VirtualAddress
    let row: UnwindRow?
  }

  /// Real stacks return to far fewer places of one kernel.
  private static var cacheSize: Int { 1024 }

  /// - Parameters:
  ///   - code: what the table speaks for, in memory. Its last entry has no end of its own.
  ///   - bias: what is added to the addresses that are asked for, modulo 2⁶⁴: how far the kernel
  ///     was moved from where it was linked to be.
  public init(
    _ place: Place, layout: ORCLayout, in memory: Source, code: Range<VirtualAddress>,
    bias: UInt64 = 0
  ) {
    self.place = place
    self.layout = layout
    self.memory = memory
    self.code = code
    self.bias = bias
  }

  /// The row for the instruction at `address`; nil where the kernel itself knows none. Throws
  /// `.memory` where the table can't be read, `.orcOutOfOrder` and `.orcEntry` where it is damaged.
  public func row(at address: VirtualAddress) throws(UnwindError) -> UnwindRow? {
    let slot = Int(truncatingIfNeeded: address.rawValue % UInt64(Self.cacheSize))
    let cached = cache.withLock { rows -> CachedRow? in
      guard !rows.isEmpty, rows[slot].address == address else { return nil }
      return rows[slot]
    }
    if let cached { return cached.row }
    let row = try entry(at: address)?.row
    cache.withLock { rows in
      if rows.isEmpty {
        // No instruction is at the last address, so the empty slots answer for nothing.
        let empty = CachedRow(address: VirtualAddress(.max), row: nil)
        rows = Array(repeating: empty, count: Self.cacheSize)
      }
      rows[slot] = CachedRow(address: address, row: row)
    }
    return row
  }

  /// The entry for the instruction at `address`; nil if the table has none. Throws as `row(at:)`.
  public func entry(at address: VirtualAddress) throws(UnwindError) -> ORCEntry? {
    let target = address &+ bias
    guard code.contains(target), let index = try index(for: target.rawValue) else { return nil }
    return try entry(index)
  }

  /// The last element whose code begins at or before `target`, as the kernel's own search finds it:
  /// of equals the rightmost, as terminators of sections stand to the left of real entries.
  private func index(for target: UInt64) throws(UnwindError) -> UInt64? {
    var low: UInt64 = 0
    var high = place.count
    // What the probes so far say of everything between: a probe beyond is out of order.
    var floor: UInt64 = 0
    var ceiling = UInt64.max
    while low < high {
      let middle = low + (high - low) / 2
      let start = try codeAddress(middle)
      guard start >= floor, start <= ceiling else { throw .orcOutOfOrder(entry: middle) }
      if start <= target {
        low = middle + 1
        floor = start
      } else {
        high = middle
        ceiling = start
      }
    }
    return low == 0 ? nil : low - 1
  }

  private func codeAddress(_ index: UInt64) throws(UnwindError) -> UInt64 {
    let place = place.addresses &+ index &* 4
    do throws(MemoryFault) {
      let distance = try memory.load(Int32.self, at: place)
      return place.rawValue &+ UInt64(bitPattern: Int64(distance))
    } catch {
      throw .memory(error)
    }
  }

  private func entry(_ index: UInt64) throws(UnwindError) -> ORCEntry {
    let bytes: ByteView
    do throws(MemoryFault) {
      bytes = try memory.read(place.entries &+ index &* ORCEntry.size, count: ORCEntry.size)
    } catch {
      throw .memory(error)
    }
    let offsets: (stack: Int16, frame: Int16)
    let flags: UInt16
    do throws(ByteError) {
      offsets = (try bytes.load(at: 0), try bytes.load(at: 2))
      flags = try bytes.load(at: 4)
    } catch {
      throw .bytes(error, entry: index)
    }
    return try layout.entry(
      stackOffset: offsets.stack, frameOffset: offsets.frame, flags: flags, index: index)
  }
}

extension ORCTable.Place {
  /// The layout that the table's first `limit` entries speak for; nil if none of them can be read.
  public func guessedLayout(in memory: Source, limit: UInt64 = 1 << 22) -> ORCLayout? {
    var flags: [UInt16] = []
    // A page of entries at a time; a page that is missing says nothing.
    let step: UInt64 = 4096 / ORCEntry.size
    var index: UInt64 = 0
    while index < min(count, limit) {
      let length = min(step, min(count, limit) - index)
      flags += Self.flags(in: memory, at: entries &+ index &* ORCEntry.size, count: length)
      index += length
    }
    return ORCLayout(guessedFrom: flags)
  }

  private static func flags(
    in memory: Source, at address: VirtualAddress, count: UInt64
  ) -> [UInt16] {
    do {
      let bytes = try memory.read(address, count: count * ORCEntry.size)
      return try (0..<count).map { try bytes.load(UInt16.self, at: $0 * ORCEntry.size + 4) }
    } catch {
      return []
    }
  }
}
