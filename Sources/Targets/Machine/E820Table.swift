public import Bytes
import Synchronization

/// One range of the memory map that firmware gives an x86 system (ACPI specification, chapter 15;
/// `struct e820_entry`, arch/x86/include/uapi/asm/setup_data.h).
public struct E820Entry: Hashable, Sendable {
  public let start: PhysicalAddress
  /// In bytes; never 0.
  public let count: UInt64
  /// 1 usable, 2 reserved, 3 ACPI tables, 4 ACPI non-volatile storage, 5 unusable, 7 persistent.
  public let type: UInt32

  public var isUsable: Bool { type == 1 }
  /// The last address.
  public var last: PhysicalAddress { start &+ (count - 1) }
}

/// A memory map as a Linux kernel keeps it.
public struct E820Table: Hashable, Sendable {
  /// Where the table lies.
  public let address: PhysicalAddress
  /// In ascending order without overlaps.
  public let entries: [E820Entry]

  /// The kernel's `struct e820_table` (arch/x86/include/asm/e820/types.h), packed:
  ///
  ///     0             4       12      20      24      32 …
  ///     nr_entries    addr    size    type    addr    size …
  ///
  /// Nil if what stands at `address` isn't one: empty, wrapped, overlapping or unsorted ranges,
  /// types that don't exist.
  init?(_ memory: PhysicalMemory, at address: PhysicalAddress) {
    do throws(PhysicalFault) {
      let head = try memory.read(address, count: 4)
      guard let count = Self.number(head, UInt32.self, at: 0), Self.counts.contains(count) else {
        return nil
      }
      let bytes = try memory.read(address &+ 4, count: UInt64(count) * Self.entrySize)
      var entries: [E820Entry] = []
      for index in 0..<UInt64(count) {
        guard let entry = Self.entry(bytes, at: index * Self.entrySize),
          entries.last.map({ $0.last < entry.start }) ?? true
        else { return nil }
        entries.append(entry)
      }
      guard entries.contains(where: \.isUsable) else { return nil }
      self.entries = entries
      self.address = address
    } catch {
      // The table would reach beyond memory: these bytes are something else.
      return nil
    }
  }

  /// A machine has two ranges at least; the kernel has room for 128 and three for each node.
  static let counts: ClosedRange<UInt32> = 2...(128 + 3 * 1024)
  private static let entrySize: UInt64 = 20

  private static func entry(_ bytes: ByteView, at offset: UInt64) -> E820Entry? {
    guard let start = number(bytes, UInt64.self, at: offset),
      let count = number(bytes, UInt64.self, at: offset + 8),
      let type = number(bytes, UInt32.self, at: offset + 16),
      count > 0, start.addingReportingOverflow(count - 1).overflow == false, isType(type)
    else { return nil }
    return E820Entry(start: PhysicalAddress(start), count: count, type: type)
  }

  /// The types that the specification and the kernel have (arch/x86/include/asm/e820/types.h).
  private static func isType(_ type: UInt32) -> Bool {
    (1...7).contains(type) || type == 12 || type == 128 || type == 0xefff_ffff
  }

  private static func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: ByteView, _: Number.Type, at offset: UInt64
  ) -> Number? {
    do throws(ByteError) {
      return try bytes.load(Number.self, at: offset)
    } catch {
      // Nothing is there to be a table's.
      return nil
    }
  }
}

/// Finds the memory maps that a Linux kernel keeps (`e820_table`, `e820_table_kexec`,
/// `e820_table_firmware`), by their shape.
public struct E820Search: Sendable {
  private let memory: PhysicalMemory
  private let release: @Sendable (ByteView) -> Void

  /// `release` is called with each part of memory when it was searched.
  public init(_ memory: PhysicalMemory, release: @escaping @Sendable (ByteView) -> Void = { _ in })
  {
    self.memory = memory
    self.release = release
  }

  /// No real machine has as many.
  private static let limit = 256

  /// The tables, in ascending order of their addresses.
  public func tables() -> [E820Table] {
    let found = Mutex<[PhysicalAddress]>([])
    PhysicalScan(memory, release: release).forEachWindow { start, bytes in
      let here = Self.candidates(in: bytes, at: start)
      if !here.isEmpty { found.withLock { $0.append(contentsOf: here) } }
    }
    let candidates = found.withLock { $0 }.sorted()
    return Array(
      candidates.lazy.compactMap { E820Table(memory, at: $0) }.prefix(Self.limit))
  }

  /// Where a count is followed by a first range that begins at 0 and ends below the 640 KiB of a
  /// PC's conventional memory. A window's last bytes are passed over: a table that begins there has
  /// sisters elsewhere.
  private static func candidates(in bytes: ByteView, at start: PhysicalAddress) -> [PhysicalAddress]
  {
    var found: [PhysicalAddress] = []
    var offset = (8 &- start.rawValue & 7) & 7
    let count = UInt64(bytes.count)
    do throws(ByteError) {
      while offset + 24 <= count {
        let first = try bytes.load(UInt64.self, at: offset)
        // The count, and the lower half of the first address: nearly every word fails here.
        if first >= UInt64(E820Table.counts.lowerBound),
          first <= UInt64(E820Table.counts.upperBound)
        {
          let second = try bytes.load(UInt64.self, at: offset + 8)
          let third = try bytes.load(UInt64.self, at: offset + 16)
          if isFirstRange(second, third) { found.append(start &+ offset) }
          if found.count >= limit { break }
        }
        offset += 8
      }
    } catch {
      // Not reached: the three words lie within the view.
    }
    return found
  }

  /// Whether the upper half of an address, a size and a type are those of the first range.
  private static func isFirstRange(_ second: UInt64, _ third: UInt64) -> Bool {
    let size = second >> 32
    let type = third >> 32
    return second & 0xffff_ffff == 0 && size > 0 && size <= 0xa0000 && size & 0x3ff == 0
      && third & 0xffff_ffff == 0 && (type == 1 || type == 2)
  }
}
