import Bytes
import Targets

/// A memory map as firmware hands it to a kernel (`struct boot_e820_entry`,
/// arch/x86/include/uapi/asm/setup_data.h; ACPI 6.5, section 15): entries of 20 bytes,
///
///     0 start u64   8 size u64   16 type u32 (1: usable RAM)
///
/// of which the first is the memory below 640 KiB. Firmware and kernel keep several copies.
struct FirmwareMap: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    let start: UInt64
    let count: UInt64
    let type: UInt32
    var end: UInt64 { start &+ count }
  }

  let entries: [Entry]

  private static let entrySize: UInt64 = 20
  private static let largest = 128
  /// More copies than this there aren't.
  private static let limit = 64
  /// How much of the first entry there is: 640 KiB less the firmware's own.
  private static let baseMemory: ClosedRange<UInt64> = 0x80000...0xa0000

  /// Every map in `mapping`: the first megabyte's, else all there are.
  static func search(
    in mapping: HostMapping, of process: HostProcess, windows: some MemoryWindows
  ) -> [FirmwareMap] {
    let low = mapping.start..<(mapping.start &+ min(mapping.count, 1 << 20))
    let first = search(in: low, process, windows)
    return first.isEmpty ? search(in: mapping.start..<mapping.end, process, windows) : first
  }

  private static func search(
    in range: Range<VirtualAddress>, _ process: HostProcess, _ windows: some MemoryWindows
  ) -> [FirmwareMap] {
    let probe = Probe(memory: process.memory)
    var found: [FirmwareMap] = []
    for region in process.memory.regions(in: range) {
      windows.forEachWindow(in: region) { start, view in
        for offset in sizes(in: view) where found.count < limit {
          if let map = FirmwareMap(at: start.rawValue &+ offset &- 8, probe) { found.append(map) }
        }
      }
    }
    return found
  }

  /// Where in `view` a first entry's size could be.
  private static func sizes(in view: ByteView) -> [UInt64] {
    let count = UInt64(view.count)
    guard count >= 8 else { return [] }
    var found: [UInt64] = []
    let last = count - 8
    var offset: UInt64 = 0
    do throws(ByteError) {
      while offset <= last, found.count < 1 << 16 {
        let word = try view.load(UInt64.self, at: offset)
        if word <= baseMemory.upperBound, word >= baseMemory.lowerBound { found.append(offset) }
        offset += 4
      }
    } catch {
      // Not reached: `offset` stays within the view.
    }
    return found
  }

  /// The map whose first entry is at `address`.
  private init?(at address: UInt64, _ probe: Probe) {
    let bytes = probe.bytes(at: address, upTo: UInt64(Self.largest) * Self.entrySize)
    var entries: [Entry] = []
    while let entry = Self.entry(in: bytes, at: UInt64(entries.count) * Self.entrySize),
      entry.start >= entries.last?.end ?? 0
    {
      entries.append(entry)
    }
    guard let first = entries.first, first.start == 0, first.type == 1,
      entries.contains(where: { $0.start == 1 << 20 && $0.type == 1 })
    else { return nil }
    self.entries = entries
  }

  private static func entry(in bytes: ProbedBytes, at offset: UInt64) -> Entry? {
    guard let start = bytes.word(offset), let count = bytes.word(offset + 8), count > 0,
      let type = bytes.long(offset + 16), (1...20).contains(type),
      start < 1 << 52, count < 1 << 52
    else { return nil }
    return Entry(start: start, count: count, type: type)
  }

  /// The one split of a block of `size` bytes that agrees with the map: what it has from 4 GiB on is
  /// the block's end, and below, usable memory reaches nearly to the split.
  func split(ofSize size: UInt64) -> MemorySplit? {
    var high: UInt64 = 0
    for entry in entries where entry.type == 1 && entry.start == MemorySplit.fourGiB {
      high = entry.count
    }
    guard high < size else { return nil }
    let low = size - high
    let usable = entries.filter { $0.type == 1 && $0.start < MemorySplit.fourGiB }
    // Firmware keeps tables of its own at the top.
    let kept: UInt64 = 64 << 20
    guard low <= MemorySplit.fourGiB, let top = usable.map(\.end).max(), top <= low,
      low - top < kept
    else { return nil }
    return MemorySplit(low: low, high: high)
  }
}
