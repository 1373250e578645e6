import Bytes

/// Which unit an address belongs to.
struct AddressIndex {
  private struct Span {
    let range: Range<UInt64>
    let unit: UInt64
  }

  private var spans: [Span] = []
  /// The offsets of all units that the index knows.
  private(set) var units: Set<UInt64> = []

  /// The offset, in `.debug_info`, of the unit that covers `address`.
  func unit(at address: UInt64) -> UInt64? {
    var low = 0
    var high = spans.count
    while low < high {
      let middle = (low + high) / 2
      if spans[middle].range.lowerBound <= address { low = middle + 1 } else { high = middle }
    }
    // Ranges of different units hardly ever overlap; where they do, one of the last few fits.
    for index in stride(from: low - 1, through: max(0, low - 4), by: -1)
    where spans[index].range.contains(address) {
      return spans[index].unit
    }
    return nil
  }

  mutating func add(_ range: Range<UInt64>, unit: UInt64) {
    units.insert(unit)
    guard !range.isEmpty else { return }
    spans.append(Span(range: range, unit: unit))
  }

  mutating func sort() {
    spans.sort { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// Adds what `.debug_aranges` says (DWARF 5, section 6.1.2), one set per unit:
  ///
  ///     unit_length   4, or 12 beginning with 0xffffffff
  ///     version       2     always 2
  ///     info_offset   4 or 8
  ///     address_size  1
  ///     segment_size  1
  ///     padding       up to a multiple of two addresses from the set's start
  ///     address, length ... 0, 0
  mutating func add(aranges section: ByteView) throws(ByteError) {
    var cursor = ByteCursor(section)
    while !cursor.isAtEnd {
      let start = cursor.offset
      let first = try cursor.read(UInt32.self)
      let is64Bit = first == 0xffff_ffff
      let length = is64Bit ? try cursor.read(UInt64.self) : UInt64(first)
      let prefix: UInt64 = is64Bit ? 12 : 4
      try cursor.skip(length)
      var set = ByteCursor(try section.subview(at: start, count: prefix + length), at: prefix)
      guard !set.isAtEnd else { continue }
      let version = try set.read(UInt16.self)
      let unit = is64Bit ? try set.read(UInt64.self) : UInt64(try set.read(UInt32.self))
      let addressSize = try set.read(UInt8.self)
      let segmentSize = try set.read(UInt8.self)
      guard version == 2, segmentSize == 0, addressSize == 8 || addressSize == 4 else { continue }
      try set.align(to: UInt64(addressSize) * 2)
      while set.remaining >= UInt64(addressSize) * 2 {
        let address: UInt64
        let count: UInt64
        if addressSize == 8 {
          (address, count) = (try set.read(), try set.read())
        } else {
          (address, count) = (UInt64(try set.read(UInt32.self)), UInt64(try set.read(UInt32.self)))
        }
        if address == 0, count == 0 { break }
        let (end, overflow) = address.addingReportingOverflow(count)
        // Code that the linker dropped stays at 0.
        if !overflow, address != 0 { add(address..<end, unit: unit) }
      }
    }
  }
}
