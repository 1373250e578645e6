public import Bytes

extension ACPITables {
  /// How many processors the MADT lists as enabled (ACPI specification 6.5, section 5.2.12): local
  /// APICs and, beyond 255, local x2APICs. Nil without such a table.
  public var enabledProcessors: Int? {
    guard let table = table("APIC") else { return nil }
    var count = 0
    // The header, then 8 bytes of the local APIC's address and flags.
    Self.forEachEntry(of: table, from: Self.headerSize + 8) { type, entry in
      let flags: UInt32 =
        switch type {
        case 0 where entry.count >= 8: Self.number(entry, UInt32.self, at: 4)
        case 9 where entry.count >= 16: Self.number(entry, UInt32.self, at: 8)
        default: 0
        }
      if flags & 1 != 0 { count += 1 }
    }
    return count
  }

  /// A range of memory and the node that it belongs to (section 5.2.16.2).
  public struct MemoryAffinity: Hashable, Sendable {
    public let node: UInt32
    public let start: PhysicalAddress
    /// In bytes.
    public let count: UInt64
    /// The range has room for memory that may be plugged in later.
    public let isHotPluggable: Bool
  }

  /// Linux has room for 1024 nodes (`NODES_SHIFT`), each of few ranges.
  private static let affinityLimit = 1 << 12

  /// The ranges that the SRAT lists as enabled; empty without such a table, as on machines of one
  /// node.
  public var memoryAffinities: [MemoryAffinity] {
    guard let table = table("SRAT") else { return [] }
    var ranges: [MemoryAffinity] = []
    // The header, then 12 reserved bytes.
    Self.forEachEntry(of: table, from: Self.headerSize + 12) { type, entry in
      guard type == 1, entry.count >= 40, ranges.count < Self.affinityLimit else { return }
      let flags = Self.number(entry, UInt32.self, at: 28)
      let count = Self.number(entry, UInt64.self, at: 16)
      guard flags & 1 != 0, count > 0 else { return }
      ranges.append(
        MemoryAffinity(
          node: Self.number(entry, UInt32.self, at: 2),
          start: PhysicalAddress(Self.number(entry, UInt64.self, at: 8)), count: count,
          isHotPluggable: flags & 2 != 0))
    }
    return ranges
  }

  /// Shows the entries of a table that is a list of them: each begins with its type and its length,
  /// a byte each.
  private static func forEachEntry(
    of table: ACPITable, from first: UInt64, _ body: (UInt8, ByteView) -> Void
  ) {
    var offset = first
    let end = UInt64(table.bytes.count)
    while offset + 2 <= end {
      let length = UInt64(number(table.bytes, UInt8.self, at: offset + 1))
      // An entry that ends before it begins would be read for ever.
      guard length >= 2, length <= end - offset else { return }
      body(
        number(table.bytes, UInt8.self, at: offset),
        table.bytes.clampedSubview(at: offset, count: length))
      offset += length
    }
  }
}
