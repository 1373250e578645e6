public import Bytes

/// What a page may be used for, as all levels of its translation together allow it.
public struct PagePermissions: OptionSet, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let write = PagePermissions(rawValue: 1)
  /// Code of the least privileged mode may use it.
  public static let user = PagePermissions(rawValue: 2)
  public static let execute = PagePermissions(rawValue: 4)

  public var description: String {
    "r" + (contains(.write) ? "w" : "-") + (contains(.execute) ? "x" : "-")
      + (contains(.user) ? "u" : "-")
  }
}

/// Where a virtual address leads.
public struct PageTranslation: Hashable, Sendable {
  /// Where the byte itself lies.
  public let physical: PhysicalAddress
  /// The size of the page that holds it, in bytes: a power of two.
  public let pageSize: UInt64
  public let permissions: PagePermissions

  public init(physical: PhysicalAddress, pageSize: UInt64, permissions: PagePermissions) {
    self.physical = physical
    self.pageSize = pageSize
    self.permissions = permissions
  }

  /// How many bytes of the page lie at and after the address.
  public var remaining: UInt64 { pageSize - (physical.rawValue & (pageSize - 1)) }
}

/// An entry of a page table that a walk met.
public struct PageTableEntry: Hashable, Sendable, CustomStringConvertible {
  /// The manufacturer's name of the table: `PML4`, `PT`.
  public let level: String
  public let location: PhysicalAddress
  public let value: UInt64

  public init(level: String, location: PhysicalAddress, value: UInt64) {
    self.level = level
    self.location = location
    self.value = value
  }

  public var description: String { "\(level) entry \(hex(value)) at physical address \(location)" }
}

/// Why a virtual address leads nowhere.
public enum PageFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// The address isn't one of this mode's: its upper bits don't repeat the highest one in use, or it
  /// is longer than the mode's addresses.
  case nonCanonical(VirtualAddress)
  /// The walk ended at an entry that isn't marked present.
  case notPresent(VirtualAddress, PageTableEntry)
  /// The walk ended at an entry with bits that a CPU refuses.
  case reservedBits(VirtualAddress, PageTableEntry, bits: UInt64)
  /// The walk needs an entry that can't be read.
  case unreadable(VirtualAddress, level: String, PhysicalFault)

  /// The address that was to be translated.
  public var address: VirtualAddress {
    switch self {
    case .nonCanonical(let address), .notPresent(let address, _),
      .reservedBits(let address, _, _), .unreadable(let address, _, _):
      address
    }
  }

  /// The reason as memory's readers give it.
  public var reason: MemoryFault.Reason {
    switch self {
    case .nonCanonical, .notPresent, .reservedBits: .unmapped
    case .unreadable(_, _, let fault): fault.reason
    }
  }

  public var description: String {
    switch self {
    case .nonCanonical(let address): "\(address) is no address in this paging mode"
    case .notPresent(let address, let entry): "\(address) isn't mapped: \(entry)"
    case .reservedBits(let address, let entry, let bits):
      "\(address) isn't mapped: reserved bits \(hex(bits)) in \(entry)"
    case .unreadable(let address, let level, let fault):
      "\(address) can't be translated: \(level) entry: \(fault)"
    }
  }
}

/// Page tables of any CPU. The tables lie in guest memory and are hostile: a translation ends after
/// a fixed number of steps, whatever they hold.
public protocol PageTables: Sendable {
  /// Where `address` leads. Accessed bits and permissions are not checked.
  func translate(
    _ address: VirtualAddress, in memory: PhysicalMemory
  ) throws(PageFault) -> PageTranslation
}
