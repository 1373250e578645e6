internal import Bytes
internal import TimeTravel

/// The watchpoints that QEMU is given for those that are asked for.
///
/// QEMU before 8.1 takes a store that isn't aligned for one to all memory from the beginning of its page to the
/// store's end (`QEMUEngine.mayReportOtherStores`). Of all watchpoints that it takes to be hit it names the one that
/// was set last (7.2 softmmu/physmem.c: cpu_watchpoint_insert puts it in front, cpu_check_watchpoint takes
/// the first). So there each range that is watched for stores gets a guard behind it, in the same page:
///
///     ┌───────────────┬──────────────────┬──────────────────┐
///     │ watched range │ at least 7 bytes │ guard, of 1 byte │
///     └───────────────┴──────────────────┴──────────────────┘
///
/// A store is checked in pieces of at most 8 bytes, ascending, none of which reaches from the range to the guard:
/// what is reported for the guard was elsewhere. What ends between the two is reported for the range, as ever.
/// All are set in the order of their ends, so that no guard speaks for a range that ends behind its own.
struct WatchLayout {
  /// What a stop was for.
  enum Meaning: Hashable {
    case asked(Watchpoint)
    /// Nothing that was asked for.
    case elsewhere
  }

  /// The longest piece in which a store is checked: vectors take several (7.2 accel/tcg/cputlb.c, store_helper).
  private static let pieceLimit: UInt64 = 8
  /// By which QEMU checks: x86's pages, and the smallest that AArch64 has.
  static let pageSize: UInt64 = 4096

  /// All, in the order in which they have to be set.
  let watchpoints: [Watchpoint]
  private let asked: Set<Watchpoint>
  private let guards: Set<UInt64>

  static let none = WatchLayout([], guarded: false)

  init(_ asked: Set<Watchpoint>, guarded: Bool) {
    self.asked = asked
    let inOrder = asked.sorted { $0.place < $1.place }
    guard guarded else {
      watchpoints = inOrder
      guards = []
      return
    }
    let starts = Set(asked.map(\.range.rawStart))
    var watchpoints: [Watchpoint] = []
    var guards: Set<UInt64> = []
    for watchpoint in inOrder {
      watchpoints.append(watchpoint)
      guard watchpoint.access != .read,
        let place = Self.guardPlace(watchpoint.range, besides: starts)
      else { continue }
      guards.insert(place)
      let range = MemoryRange(.virtual(VirtualAddress(place)), count: 1)
      watchpoints.append(Watchpoint(range, access: .write))
    }
    self.watchpoints = watchpoints
    self.guards = guards
  }

  /// Nil if the page has no room: then there is little behind the range that could be taken for it.
  private static func guardPlace(_ range: MemoryRange, besides starts: Set<UInt64>) -> UInt64? {
    let last = range.rawStart &+ (range.count &- 1)
    let pageEnd = last | (pageSize - 1)
    guard pageEnd - last >= pieceLimit else { return nil }
    return (last + pieceLimit...pageEnd).first { !starts.contains($0) }
  }

  /// What QEMU means by the watchpoint that it names; nil if none is set.
  func meaning(of named: StubStop.Watched) -> Meaning? {
    // Of several that begin there the longest: what accesses another one accesses that, too.
    let same = watchpoints.last { watchpoint in
      watchpoint.range.rawStart == named.address && watchpoint.access == named.access
        && asked.contains(watchpoint)
    }
    if let same { return .asked(same) }
    if guards.contains(named.address) { return .elsewhere }
    let around = asked.first { named.address &- $0.range.rawStart < $0.range.count }
    return (around ?? asked.first).map { .asked($0) }
  }
}

extension Watchpoint {
  /// For an order by ends.
  fileprivate var place: (end: UInt64, start: UInt64) {
    (range.rawStart &+ (range.count &- 1), range.rawStart)
  }
}
