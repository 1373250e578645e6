internal import Bytes

/// A search for the last write to a range: what is watched and what is compared.
struct WriteSearch: Sendable {
  /// A part of the range that lies within one page.
  struct Piece: Sendable {
    let range: MemoryRange
    /// Where it lies at the position, if it is virtual and that is known.
    let physical: PhysicalAddress?

    /// What is read to compare it: the same memory at all moments, where that is possible.
    var compared: MemoryRange {
      physical.map { MemoryRange(.physical($0), count: range.count) } ?? range
    }
  }

  /// The smallest page of x86-64 and aarch64: within one, mappings don't differ.
  static let pageSize: UInt64 = 4096
  /// Longer ranges aren't searched for: a write to them says little.
  static let sizeLimit: UInt64 = 64 << 10

  let range: MemoryRange
  let pieces: [Piece]
  /// What the memory holds at the position; nil if it can't be read.
  let wanted: [UInt8]?
  /// A store to the address was found that went to other memory: conditions have to tell them apart.
  var isTellingMappingsApart = false
  /// Where memory was found to be as at the position.
  var agreements: [Moment] = []

  /// Whether stores can be watched.
  var isWatched: Bool {
    if case .virtual = range.start { true } else { false }
  }

  /// Whether it is known where the range lies.
  var isLocated: Bool { pieces.allSatisfy { $0.physical != nil } }

  var culprit: LastWrite.Culprit {
    isWatched ? isLocated ? .deviceOrAlias : .deviceOrAliasOrMapping : .anything
  }

  /// Where the pages of `range` begin in it; nil if it is too long, or beyond the last address.
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

  /// All stores to the address.
  var stores: ArmedStops {
    var armed = ArmedStops()
    armed.watchpoints[Watchpoint(range, access: .write)] = .some(nil)
    return armed
  }

  /// Those stores that go where the range lies at the position.
  func storesToSameMemory<Engine: ReplayEngine>(_ engine: Engine) -> ArmedStops {
    var armed = ArmedStops()
    for piece in pieces {
      guard case .virtual(let address) = piece.range.start, let physical = piece.physical else {
        continue
      }
      armed.watchpoints[Watchpoint(piece.range, access: .write)] = StopCondition(
        key: Array("at \(physical)".utf8)
      ) { _ throws(EngineError) in
        try await engine.physicalAddress(of: address) == physical
      }
    }
    return armed
  }
}
