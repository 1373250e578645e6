internal import Bytes

/// A search for the last write to a range: what is watched and what is compared.
struct WriteSearch: Sendable {
  /// A part of the range that lies within one page.
  struct Piece: Sendable {
    let range: MemoryRange
    /// Where it lies at the position, if that is known.
    let physical: PhysicalAddress?

    /// What is read to compare it: the same memory at all moments, where that is possible.
    var compared: MemoryRange {
      physical.map { MemoryRange(.physical($0), count: range.count) } ?? range
    }
  }

  /// Addresses through which stores to a piece are watched.
  struct Alias: Hashable, Sendable {
    let address: VirtualAddress
    let count: UInt64
    /// What they are to mean; nil if that isn't known.
    let physical: PhysicalAddress?
    /// A store through them went to other memory: a condition has to tell.
    var isConditional = false

    var range: MemoryRange { MemoryRange(.virtual(address), count: count) }
  }

  /// The smallest page of x86-64 and aarch64: within one, mappings don't differ.
  static let pageSize: UInt64 = 4096
  /// Longer ranges aren't searched for: a write to them says little.
  static let sizeLimit: UInt64 = 64 << 10
  /// More aliases aren't watched: some pages are mapped a thousand times.
  static let aliasLimit = 8

  let range: MemoryRange
  let pieces: [Piece]
  /// What the memory holds at the position; nil if it can't be read.
  let wanted: [UInt8]?
  private(set) var aliases: [Alias] = []
  /// Where memory was found to be as at the position.
  var agreements: [Moment] = []

  init(_ range: MemoryRange, _ pieces: [Piece], wanted: [UInt8]?) {
    self.range = range
    self.pieces = pieces
    self.wanted = wanted
    for piece in pieces {
      guard case .virtual(let address) = piece.range.start else { continue }
      aliases.append(Alias(address: address, count: piece.range.count, physical: piece.physical))
    }
  }

  /// Has stores to `piece` watched through `address`, too, unless there are too many already.
  mutating func watch(_ piece: Piece, through address: VirtualAddress) {
    guard aliases.count < max(Self.aliasLimit, pieces.count),
      !aliases.contains(where: { $0.address == address })
    else { return }
    aliases.append(Alias(address: address, count: piece.range.count, physical: piece.physical))
  }

  /// Which alias a stop was for.
  func alias(_ hit: Hit) -> Int? {
    guard case .watchpoint(let watchpoint) = hit.reason else { return nil }
    return aliases.firstIndex { $0.range == watchpoint.range }
  }

  mutating func makeConditional(_ index: Int) { aliases[index].isConditional = true }

  var culprit: LastWrite.Culprit {
    if aliases.isEmpty { return .anything }
    return pieces.allSatisfy { $0.physical != nil } ? .deviceOrAlias : .deviceOrAliasOrMapping
  }

  /// The stores that are to be found.
  func stores<Engine: ReplayEngine>(_ engine: Engine) -> ArmedStops {
    var armed = ArmedStops()
    for alias in aliases {
      armed.watchpoints[Watchpoint(alias.range, access: .write)] =
        alias.isConditional ? Self.condition(alias, engine) : .some(nil)
    }
    return armed
  }

  private static func condition<Engine: ReplayEngine>(
    _ alias: Alias, _ engine: Engine
  ) -> StopCondition {
    let key = "means \(alias.physical.map { "\($0)" } ?? "nothing")"
    return StopCondition(key: Array(key.utf8)) { _ throws(EngineError) in
      try await engine.physicalAddress(of: alias.address) == alias.physical
    }
  }

  /// The parts of `range` that lie in one page each; nil if it is too long, or goes beyond the last address.
  static func split(_ range: MemoryRange) -> [MemoryRange]? {
    guard range.count > 0, range.count <= sizeLimit,
      !range.rawStart.addingReportingOverflow(range.count - 1).overflow
    else { return nil }
    var pieces: [MemoryRange] = []
    var done: UInt64 = 0
    while done < range.count {
      let start = range.rawStart + done
      let count = min(pageSize - start % pageSize, range.count - done)
      switch range.start {
      case .virtual: pieces.append(MemoryRange(.virtual(VirtualAddress(start)), count: count))
      case .physical: pieces.append(MemoryRange(.physical(PhysicalAddress(start)), count: count))
      }
      done += count
    }
    return pieces
  }
}
