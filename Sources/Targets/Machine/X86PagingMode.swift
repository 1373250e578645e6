/// How an x86 CPU translates linear addresses (Intel SDM volume 3, section 4.1.1; AMD APM volume 2,
/// chapter 5).
public enum X86PagingMode: String, Hashable, Sendable, Codable, CaseIterable {
  /// Linear addresses are physical ones, of 32 bits.
  case none = "no paging"
  case bits32 = "32-bit"
  /// With 4 MiB pages of 40-bit physical addresses (PSE-36).
  case bits32PSE = "32-bit PSE"
  case pae = "PAE"
  case fourLevel = "4-level"
  case fiveLevel = "5-level"

  /// The mode that a CPU's registers select; nil if those that decide it aren't known.
  public init?(cpu: X86CPUState) {
    guard let cr0 = cpu.cr0 else { return nil }
    guard cr0 & 1 << 31 != 0 else {
      self = .none
      return
    }
    guard let cr4 = cpu.cr4 else { return nil }
    guard cr4 & 1 << 5 != 0 else {
      self = cr4 & 1 << 4 != 0 ? .bits32PSE : .bits32
      return
    }
    guard let isLong = cpu.isLongModeActive else { return nil }
    self = !isLong ? .pae : cr4 & 1 << 12 != 0 ? .fiveLevel : .fourLevel
  }

  /// How many levels of tables there are.
  public var depth: Int { X86PagingFormat.format(for: self).levels.count }
}

/// One level of the tables, as a row of data.
struct X86PagingLevel: Hashable, Sendable {
  /// When an entry maps a page instead of naming the next table.
  enum Page: Hashable, Sendable {
    case never, always
    /// When its bit 7 (PS) is set.
    case ifLarge
  }

  let name: String
  /// The lowest bit of the address that selects an entry; the size of a page at this level, too.
  let shift: UInt64
  /// How many bits select an entry.
  let indexBits: UInt64
  let page: Page
  /// Bits that must be 0 in an entry that names a table.
  var tableReserved: UInt64 = 0
  /// Bits that must be 0 in an entry that maps a page.
  var pageReserved: UInt64 = 0
  /// Whether entries restrict writing, user access and execution.
  var hasPermissions = true

  var entryCount: UInt64 { 1 << indexBits }
  var pageSize: UInt64 { 1 << shift }
}

/// The tables of one mode.
///
///     63      62 … 52   51 … 12                  11 … 9  8  7   6  5  4    3    2    1    0
///     NX               table or page, see below          G  PS  D  A  PCD  PWT  U/S  R/W  P
///
/// Entries of 32-bit paging have the lower half only. Of a large page's address the lower bits are
/// reserved (bit 12 is PAT); in a 4 MiB page's entry bits 20–13 are bits 39–32 of the address.
struct X86PagingFormat: Hashable, Sendable {
  /// In bytes.
  let entrySize: UInt64
  /// From the root down.
  let levels: [X86PagingLevel]
  /// How many bits of an address are translated.
  let addressBits: UInt64
  /// Whether the bits above must repeat the highest of these; otherwise they must be 0.
  let isSignExtended: Bool
  /// The bits of CR3 that are the root's address.
  let rootMask: UInt64

  static func format(for mode: X86PagingMode) -> X86PagingFormat {
    switch mode {
    case .none: none
    case .bits32: bits32
    case .bits32PSE: bits32PSE
    case .pae: pae
    case .fourLevel: fourLevel
    case .fiveLevel: fiveLevel
    }
  }

  /// Of an 8-byte entry: bits 51–12.
  static let wideAddress: UInt64 = 0x000f_ffff_ffff_f000
  private static let largeBit: UInt64 = 1 << 7
  static let noExecute: UInt64 = 1 << 63

  private static let none = X86PagingFormat(
    entrySize: 8, levels: [], addressBits: 32, isSignExtended: false, rootMask: 0)

  private static let table32 = X86PagingLevel(name: "PT", shift: 12, indexBits: 10, page: .always)

  // Section 4.3.
  private static let bits32 = X86PagingFormat(
    entrySize: 4,
    levels: [X86PagingLevel(name: "PD", shift: 22, indexBits: 10, page: .never), table32],
    addressBits: 32, isSignExtended: false, rootMask: 0xffff_f000)

  private static let bits32PSE = X86PagingFormat(
    entrySize: 4,
    levels: [
      X86PagingLevel(name: "PD", shift: 22, indexBits: 10, page: .ifLarge, pageReserved: 1 << 21),
      table32,
    ],
    addressBits: 32, isSignExtended: false, rootMask: 0xffff_f000)

  private static let table = X86PagingLevel(name: "PT", shift: 12, indexBits: 9, page: .always)
  private static let directory = X86PagingLevel(
    name: "PD", shift: 21, indexBits: 9, page: .ifLarge, pageReserved: 0x1f_e000)

  // Section 4.4: the four entries of the first table have no permissions, and CR3 names it in steps
  // of 32 bytes.
  private static let pae = X86PagingFormat(
    entrySize: 8,
    levels: [
      X86PagingLevel(
        name: "PDPT", shift: 30, indexBits: 2, page: .never,
        tableReserved: 0x1e6 | noExecute, hasPermissions: false),
      directory, table,
    ],
    addressBits: 32, isSignExtended: false, rootMask: 0xffff_ffe0)

  // Section 4.5.
  private static let lower: [X86PagingLevel] = [
    X86PagingLevel(
      name: "PML4", shift: 39, indexBits: 9, page: .never, tableReserved: largeBit),
    X86PagingLevel(
      name: "PDPT", shift: 30, indexBits: 9, page: .ifLarge, pageReserved: 0x3fff_e000),
    directory, table,
  ]
  private static let fourLevel = X86PagingFormat(
    entrySize: 8, levels: lower, addressBits: 48, isSignExtended: true, rootMask: wideAddress)

  private static let fiveLevel = X86PagingFormat(
    entrySize: 8,
    levels: [
      X86PagingLevel(
        name: "PML5", shift: 48, indexBits: 9, page: .never, tableReserved: largeBit)
    ] + lower,
    addressBits: 57, isSignExtended: true, rootMask: wideAddress)
}
