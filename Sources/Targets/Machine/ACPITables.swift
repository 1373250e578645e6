public import Bytes

/// Why a machine's ACPI tables couldn't be read.
public enum ACPIError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no root pointer where firmware of a PC puts it.
  case noRootPointer
  case unreadable(table: String, PhysicalFault)
  /// The table's bytes don't add up to 0.
  case checksum(table: String, PhysicalAddress)
  /// The table's own length is below its header's or beyond any table's.
  case length(table: String, PhysicalAddress, UInt64)

  public var description: String {
    switch self {
    case .noRootPointer: "no ACPI root pointer (RSDP) at 0xe0000–0xfffff"
    case .unreadable(let table, let fault): "ACPI table \(table): \(fault)"
    case .checksum(let table, let address):
      "ACPI table \(table) at physical address \(address) has a wrong checksum"
    case .length(let table, let address, let length):
      "ACPI table \(table) at physical address \(address) claims to be \(length) bytes long"
    }
  }
}

/// One of a machine's ACPI tables, its checksum proved.
public struct ACPITable: Sendable {
  public let signature: String
  public let address: PhysicalAddress
  /// All of it, the header of 36 bytes included.
  public let bytes: ByteView
}

/// The tables by which firmware describes a machine (ACPI specification 6.5, section 5.2).
public struct ACPITables: Sendable {
  /// Where the root pointer is.
  public let rootPointer: PhysicalAddress
  public let tables: [ACPITable]
  /// Why tables that the root table names are missing from `tables`.
  public let problems: [ACPIError]

  private static let tableLimit: UInt64 = 256
  private static let lengthLimit: UInt64 = 1 << 20
  static let headerSize: UInt64 = 36

  /// Reads the tables that the root pointer in the BIOS's area leads to.
  public init(in memory: PhysicalMemory) throws(ACPIError) {
    guard let pointer = Self.findRootPointer(in: memory) else { throw .noRootPointer }
    try self.init(in: memory, rootPointer: pointer)
  }

  /// Reads the tables that the root pointer at `rootPointer` leads to: UEFI's firmware puts it
  /// anywhere.
  ///
  ///     0            8         9      15        16           20      24           32
  ///     "RSD PTR "   checksum  OEM    revision  RSDT (32)    length  XSDT (64)    checksum
  public init(in memory: PhysicalMemory, rootPointer: PhysicalAddress) throws(ACPIError) {
    let root = try Self.read(memory, rootPointer, 20, "RSDP")
    guard Self.isSummedUp(root) else { throw .checksum(table: "RSDP", rootPointer) }
    var place = UInt64(Self.number(root, UInt32.self, at: 16))
    var width: UInt64 = 4
    if Self.number(root, UInt8.self, at: 15) >= 2 {
      let extended = try Self.read(memory, rootPointer, 36, "RSDP")
      let wide = Self.number(extended, UInt64.self, at: 24)
      if Self.isSummedUp(extended), wide != 0 {
        place = wide
        width = 8
      }
    }
    let directory = try Self.table(
      memory, at: PhysicalAddress(place), expected: width == 8 ? "XSDT" : "RSDT")
    var tables: [ACPITable] = []
    var problems: [ACPIError] = []
    let count = (UInt64(directory.bytes.count) - Self.headerSize) / width
    for index in 0..<min(count, Self.tableLimit) {
      let offset = Self.headerSize + index * width
      let address =
        width == 8
        ? Self.number(directory.bytes, UInt64.self, at: offset)
        : UInt64(Self.number(directory.bytes, UInt32.self, at: offset))
      do throws(ACPIError) {
        tables.append(try Self.table(memory, at: PhysicalAddress(address), expected: nil))
      } catch {
        problems.append(error)
      }
    }
    self.rootPointer = rootPointer
    self.tables = tables
    self.problems = problems
  }

  public func table(_ signature: String) -> ACPITable? {
    tables.first { $0.signature == signature }
  }

  /// `RSD PTR `, at a multiple of 16 in the BIOS's area (section 5.2.5.1).
  private static func findRootPointer(in memory: PhysicalMemory) -> PhysicalAddress? {
    for start in stride(from: UInt64(0xe0000), to: 0x10_0000, by: 16) {
      do throws(PhysicalFault) {
        let address = PhysicalAddress(start)
        guard try memory.word(at: address) == 0x2052_5450_2044_5352 else { continue }
        if isSummedUp(try memory.read(address, count: 20)) { return address }
      } catch {
        // A hole in the area; go on behind it.
      }
    }
    return nil
  }

  private static func read(
    _ memory: PhysicalMemory, _ address: PhysicalAddress, _ count: UInt64, _ table: String
  ) throws(ACPIError) -> ByteView {
    do throws(PhysicalFault) {
      return try memory.read(address, count: count)
    } catch {
      throw .unreadable(table: table, error)
    }
  }

  /// Every table begins with a signature of four letters and its length (section 5.2.6).
  private static func table(
    _ memory: PhysicalMemory, at address: PhysicalAddress, expected: String?
  ) throws(ACPIError) -> ACPITable {
    let header = try read(memory, address, headerSize, expected ?? "at \(address)")
    let letters = header.clampedSubview(at: 0, count: 4).copy()
    let signature = String(
      decoding: letters.map { (0x20...0x7e).contains($0) ? $0 : 0x3f }, as: UTF8.self)
    let length = UInt64(number(header, UInt32.self, at: 4))
    guard length >= headerSize, length <= lengthLimit, expected ?? signature == signature else {
      throw .length(table: signature, address, length)
    }
    let bytes = try read(memory, address, length, signature)
    guard isSummedUp(bytes) else { throw .checksum(table: signature, address) }
    return ACPITable(signature: signature, address: address, bytes: bytes)
  }

  private static func isSummedUp(_ bytes: ByteView) -> Bool {
    bytes.copy().reduce(0, &+) == 0
  }

  /// The number at `offset`, 0 where there is none: an entry that its table cuts short says nothing.
  static func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: ByteView, _: Number.Type, at offset: UInt64
  ) -> Number {
    do throws(ByteError) {
      return try bytes.load(Number.self, at: offset)
    } catch {
      return 0
    }
  }
}
