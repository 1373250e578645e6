public import Bytes

/// A stretch of virtual addresses that leads to as long a stretch of physical ones.
public struct PageMapping: Hashable, Sendable {
  public let virtual: VirtualAddress
  public let physical: PhysicalAddress
  /// In bytes: whole pages.
  public internal(set) var count: UInt64
  /// The size of each of its pages, in bytes.
  public let pageSize: UInt64
  public let permissions: PagePermissions

  public init(
    virtual: VirtualAddress, physical: PhysicalAddress, count: UInt64, pageSize: UInt64,
    permissions: PagePermissions
  ) {
    self.virtual = virtual
    self.physical = physical
    self.count = count
    self.pageSize = pageSize
    self.permissions = permissions
  }

  /// Whether `next` goes on where this one ends, with pages of the same kind.
  func continues(with next: PageMapping) -> Bool {
    virtual &+ count == next.virtual && physical &+ count == next.physical
      && pageSize == next.pageSize && permissions == next.permissions
  }
}

/// What an enumeration of page tables passed over.
public struct PageEnumeration: Hashable, Sendable {
  /// How many tables were read, counting those that were read several times.
  public internal(set) var tables = 0
  /// How many entries name a table that is among its own ancestors: tables that map themselves.
  public internal(set) var selfReferences = 0
  /// How many entries name a table that had been read often enough.
  public internal(set) var repeats = 0
  /// How many entries have bits that a CPU refuses.
  public internal(set) var invalid = 0
  /// How many tables couldn't be read.
  public internal(set) var unreadable = 0
  /// Why the first of those couldn't.
  public internal(set) var firstFault: PhysicalFault?
  /// Whether the limit of tables was reached.
  public internal(set) var isCut = false
}

extension X86PageTables {
  /// All addresses there are.
  public static let everywhere = VirtualAddress(0)...VirtualAddress(.max)

  /// Shows every mapping that touches `range`, in ascending order; neighbours that are alike are
  /// joined. Hostile tables can map themselves or one table a million times over: a table that is
  /// its own ancestor isn't followed, one that is named again and again only a few times, and not
  /// more than `tableLimit` tables are read.
  @discardableResult
  public func forEachMapping<Failure: Error>(
    in range: ClosedRange<VirtualAddress> = everywhere, of memory: PhysicalMemory,
    tableLimit: Int = 1 << 20, _ body: (PageMapping) throws(Failure) -> Void
  ) throws(Failure) -> PageEnumeration {
    guard mode != .none else {
      try body(
        PageMapping(
          virtual: VirtualAddress(0), physical: PhysicalAddress(0), count: 1 << 32,
          pageSize: 4096, permissions: [.write, .user, .execute]))
      return PageEnumeration()
    }
    var walk = X86PageWalk<Failure>(tables: self, memory: memory, range: range, limit: tableLimit)
    try walk.visit(
      root.rawValue, depth: 0, base: 0, permissions: [.write, .user, .execute], body)
    if let last = walk.pending { try body(last) }
    return walk.result
  }
}

/// A walk through all tables, depth first.
private struct X86PageWalk<Failure: Error> {
  let tables: X86PageTables
  let memory: PhysicalMemory
  let range: ClosedRange<VirtualAddress>
  let limit: Int
  var result = PageEnumeration()
  var pending: PageMapping?
  /// The tables from the root to the one that is being read.
  private var path: [UInt64] = []
  private var visits: [Visit: Int] = [:]

  private struct Visit: Hashable {
    let table: UInt64
    let depth: Int
  }

  /// Kernels do use a table several times: one for the shadow of all untouched memory (KASAN), or
  /// for both halves of the space.
  private let visitLimit = 8

  init(
    tables: X86PageTables, memory: PhysicalMemory, range: ClosedRange<VirtualAddress>, limit: Int
  ) {
    self.tables = tables
    self.memory = memory
    self.range = range
    self.limit = limit
  }

  mutating func visit(
    _ table: UInt64, depth: Int, base: UInt64, permissions: PagePermissions,
    _ body: (PageMapping) throws(Failure) -> Void
  ) throws(Failure) {
    guard let entries = entries(of: table, depth: depth) else { return }
    path.append(table)
    defer { path.removeLast() }
    let level = tables.format.levels[depth]
    for (index, value) in entries.enumerated() where value & 1 != 0 {
      let bits = base | UInt64(index) << level.shift
      let first = tables.canonical(bits)
      guard first <= range.upperBound.rawValue,
        first | (level.pageSize - 1) >= range.lowerBound.rawValue
      else { continue }
      switch tables.decode(value, at: level) {
      case .absent: break
      case .reserved: result.invalid += 1
      case .page(let start, let allowed):
        try show(
          PageMapping(
            virtual: VirtualAddress(first), physical: PhysicalAddress(start),
            count: level.pageSize, pageSize: level.pageSize,
            permissions: permissions.intersection(allowed)), body)
      case .table(let next, let allowed):
        if path.contains(next) {
          result.selfReferences += 1
        } else {
          try visit(
            next, depth: depth + 1, base: bits, permissions: permissions.intersection(allowed),
            body)
        }
      }
    }
  }

  /// The table's entries, or nil if they can't be read or not once more.
  private mutating func entries(of table: UInt64, depth: Int) -> [UInt64]? {
    guard result.tables < limit else {
      result.isCut = true
      return nil
    }
    let count = visits[Visit(table: table, depth: depth), default: 0]
    guard count < visitLimit else {
      result.repeats += 1
      return nil
    }
    visits[Visit(table: table, depth: depth)] = count + 1
    result.tables += 1
    do throws(PhysicalFault) {
      return try memory.pageTable(
        at: PhysicalAddress(table), entrySize: tables.format.entrySize,
        count: tables.format.levels[depth].entryCount)
    } catch {
      result.unreadable += 1
      if result.firstFault == nil { result.firstFault = error }
      return nil
    }
  }

  private mutating func show(
    _ next: PageMapping, _ body: (PageMapping) throws(Failure) -> Void
  ) throws(Failure) {
    guard let last = pending else {
      pending = next
      return
    }
    if last.continues(with: next) {
      pending?.count += next.count
    } else {
      pending = next
      try body(last)
    }
  }
}

extension PhysicalMemory {
  /// All entries of a table.
  fileprivate func pageTable(
    at address: PhysicalAddress, entrySize: UInt64, count: UInt64
  ) throws(PhysicalFault) -> [UInt64] {
    let bytes = try read(address, count: entrySize * count)
    var entries: [UInt64] = []
    entries.reserveCapacity(Int(count))
    do throws(ByteError) {
      for index in 0..<count {
        entries.append(
          entrySize == 8
            ? try bytes.load(UInt64.self, at: index * 8)
            : UInt64(try bytes.load(UInt32.self, at: index * 4)))
      }
    } catch {
      throw PhysicalFault(address: address, reason: .truncated)
    }
    return entries
  }
}
