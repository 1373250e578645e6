import Bytes

/// What PC firmware leaves in a machine's first megabyte.
struct FirmwareTraces: Hashable, Sendable {
  /// A line's part each.
  let descriptions: [String]
  var count: Int { descriptions.count }

  private static let megabyte: UInt64 = 1 << 20

  /// Nil unless there is anything that only a first megabyte holds.
  init?(at start: UInt64, _ probe: Probe) {
    var found: [String] = []
    if Self.hasVectors(probe.bytes(at: start, upTo: 1024)) { found.append("real-mode vectors") }
    // 0x413: kilobytes of base memory (the BIOS data area).
    if let kilobytes = probe.bytes(at: start &+ 0x413, upTo: 2).short(0),
      (512...640).contains(kilobytes)
    {
      found.append("a BIOS data area")
    }
    // The firmware's segment is searched for tables at multiples of 16 (ACPI 6.5, section 5.2.5.1;
    // SMBIOS 3.6, section 5.2.1).
    let segment = probe.bytes(at: start &+ 0xe0000, upTo: Self.megabyte - 0xe0000)
    if let offset = Self.offset(of: "RSD PTR ", in: segment, summed: 20) {
      found.append("ACPI's root pointer at \(hex(0xe0000 + offset))")
    }
    if let offset = Self.offset(of: "_SM_", in: segment, summed: 0x1f)
      ?? Self.offset(of: "_SM3_", in: segment, summed: 0x18)
    {
      found.append("SMBIOS's entry point at \(hex(0xe0000 + offset))")
    }
    guard !found.isEmpty else { return nil }
    descriptions = found
  }

  /// Whether most of the 256 vectors point into the firmware's segments.
  private static func hasVectors(_ bytes: ProbedBytes) -> Bool {
    guard bytes.count == 1024 else { return false }
    var count = 0
    for index in 0..<UInt64(256) {
      if let segment = bytes.short(index * 4 + 2), segment == 0xf000 || segment == 0xc000 {
        count += 1
      }
    }
    return count >= 64
  }

  /// Where a table begins with `signature`, its first `count` bytes adding up to 0.
  private static func offset(
    of signature: String, in bytes: ProbedBytes, summed count: UInt64
  ) -> UInt64? {
    let wanted = Array(signature.utf8)
    return stride(from: UInt64(0), to: bytes.count, by: 16).first { offset in
      guard bytes.byte(offset) == wanted[0] else { return false }
      let table = bytes.view.clampedSubview(at: offset, count: count).copy()
      return table.count == Int(count) && table.starts(with: wanted)
        && table.reduce(0, &+) == 0
    }
  }
}

/// The firmware's own image, which the guest sees below 4 GiB.
struct FirmwareImage: Hashable, Sendable {
  let host: VirtualAddress
  let count: UInt64

  /// The mapping that ends with a reset vector, if there is exactly one: 16 bytes before the end a
  /// far jump, and the date of the BIOS after it.
  init?(in process: HostProcess, _ probe: Probe) {
    let sizes: ClosedRange<UInt64> = 64 << 10...16 << 20
    let found = process.mappings.filter { mapping in
      guard sizes.contains(mapping.count), mapping.count.nonzeroBitCount == 1 else { return false }
      let bytes = probe.bytes(at: mapping.end.rawValue &- 16, upTo: 16).view.copy()
      return bytes.count == 16 && bytes[0] == 0xea && bytes[7] == UInt8(ascii: "/")
        && bytes[10] == UInt8(ascii: "/")
    }
    guard found.count == 1 else { return nil }
    host = found[0].start
    count = found[0].count
  }
}
