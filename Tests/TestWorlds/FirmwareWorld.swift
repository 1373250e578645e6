public import Bytes

/// A PC's first megabytes with ACPI tables and a kernel's e820 table.
public struct FirmwareWorld: Sendable {
  /// In bytes, from address 0.
  public static let size = 2 << 20
  public static let rootPointer = 0xf_5000
  public static let rootTable = 0x1f_0000
  public static let processorTable = 0x1f_1000
  public static let affinityTable = 0x1f_2000
  public static let memoryMap = 0x18_0000

  public private(set) var bytes = [UInt8](repeating: 0, count: size)

  public init() {}

  public var view: ByteView { ByteView(copying: bytes) }

  public mutating func write(_ more: [UInt8], at address: Int) {
    bytes.replaceSubrange(address..<address + more.count, with: more)
  }

  /// A root pointer of revision 0 and the table that lists the others.
  public mutating func writeRoot(tables: [Int]) {
    var pointer = Array("RSD PTR ".utf8) + [0] + Array("TESTED".utf8) + [0]
    pointer += little(UInt32(Self.rootTable))
    pointer[8] = Self.complement(pointer)
    write(pointer, at: Self.rootPointer)
    writeTable("RSDT", tables.flatMap { little(UInt32($0)) }, at: Self.rootTable)
  }

  /// A table with the right length and checksum.
  public mutating func writeTable(_ signature: String, _ contents: [UInt8], at address: Int) {
    var table = Array(signature.utf8) + little(UInt32(36 + contents.count)) + [1, 0]
    table += [UInt8](repeating: 0x20, count: 26) + contents
    table[9] = Self.complement(table)
    write(table, at: address)
  }

  /// A MADT: a local APIC for each of `enabled`.
  public mutating func writeProcessors(_ enabled: [Bool]) {
    let entries = enabled.enumerated().flatMap { index, isEnabled -> [UInt8] in
      [0, 8, UInt8(index), UInt8(index)] + little(UInt32(isEnabled ? 1 : 0))
    }
    writeTable("APIC", [UInt8](repeating: 0, count: 8) + entries, at: Self.processorTable)
  }

  /// An SRAT: memory ranges, a node each.
  public mutating func writeAffinities(_ ranges: [(start: UInt64, count: UInt64, flags: UInt32)]) {
    let entries = ranges.enumerated().flatMap { node, range -> [UInt8] in
      [1, 40] + little(UInt32(node)) + little(UInt16(0)) + little(range.start)
        + little(range.count) + little(UInt32(0)) + little(range.flags) + little(UInt64(0))
    }
    writeTable("SRAT", [UInt8](repeating: 0, count: 12) + entries, at: Self.affinityTable)
  }

  /// A kernel's `struct e820_table`.
  public mutating func writeMemoryMap(
    _ entries: [(start: UInt64, count: UInt64, type: UInt32)], at address: Int = memoryMap
  ) {
    let stored = entries.flatMap { little($0.start) + little($0.count) + little($0.type) }
    write(little(UInt32(entries.count)) + stored, at: address)
  }

  /// The byte that makes the sum of all 0.
  private static func complement(_ bytes: [UInt8]) -> UInt8 { 0 &- bytes.reduce(0, &+) }
}
