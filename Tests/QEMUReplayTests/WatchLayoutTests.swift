import Bytes
import TestWorlds
import Testing
import TimeTravel

@testable import QEMUReplay

/// Which watchpoints QEMU gets, in a model of how QEMU before 8.1 checks stores.
struct WatchLayoutTests {
  private func watch(
    _ start: UInt64, _ count: UInt64, _ access: WatchedAccess = .write
  ) -> Watchpoint {
    Watchpoint(MemoryRange(.virtual(VirtualAddress(start)), count: count), access: access)
  }

  /// What QEMU names for a store (7.2 accel/tcg/cputlb.c, store_helper and store_helper_unaligned).
  private func named(
    _ layout: WatchLayout, store start: UInt64, _ count: UInt64
  ) -> StubStop.Watched? {
    let end = start + count
    // Across the end of a page QEMU goes right.
    let isTakenFromPage = start % count != 0 && start / 4096 == (end - 1) / 4096
    let from = isTakenFromPage ? start / 4096 * 4096 : start
    let hit = layout.watchpoints.last { watchpoint in
      let range = watchpoint.range
      return watchpoint.access != .read && range.rawStart < end
        && from < range.rawStart + range.count
    }
    return hit.map { .init(address: $0.range.rawStart, access: $0.access) }
  }

  @Test func nothingIsAddedWhereNoneIsNeeded() {
    let asked: Set = [watch(0x1000, 8), watch(0x1010, 4, .readOrWrite)]
    #expect(
      WatchLayout(asked, guarded: false).watchpoints
        == [watch(0x1000, 8), watch(0x1010, 4, .readOrWrite)])
    let read = watch(0x1000, 8, .read)
    #expect(WatchLayout([read], guarded: true).watchpoints == [read])
    #expect(WatchLayout.none.watchpoints.isEmpty)
  }

  @Test func guardsLieBehindInTheSamePage() {
    #expect(
      WatchLayout([watch(0x1000, 8)], guarded: true).watchpoints
        == [watch(0x1000, 8), watch(0x100f, 1)])
    #expect(
      WatchLayout([watch(0x1ff0, 8)], guarded: true).watchpoints
        == [watch(0x1ff0, 8), watch(0x1fff, 1)])
    #expect(WatchLayout([watch(0x1ff1, 8)], guarded: true).watchpoints == [watch(0x1ff1, 8)])
    #expect(WatchLayout([watch(.max - 7, 8)], guarded: true).watchpoints == [watch(.max - 7, 8)])
    // Not where another one begins: a stop tells only that address.
    #expect(
      WatchLayout([watch(0x1000, 8), watch(0x100f, 1, .read)], guarded: true).watchpoints
        == [watch(0x1000, 8), watch(0x1010, 1), watch(0x100f, 1, .read)])
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `Stores are told apart`(seed: UInt64) {
    var numbers = RepeatableRandom(seed: seed)
    func random(_ range: Range<UInt64>) -> UInt64 { .random(in: range, using: &numbers) }
    var asked: Set<Watchpoint> = []
    for _ in 0..<random(1..<5) {
      // Around the end of a page, so that some have no room behind.
      let access: WatchedAccess = random(0..<2) == 0 ? .write : .readOrWrite
      asked.insert(watch(0x1fa0 + random(0..<0x70), random(1..<20), access))
    }
    let layout = WatchLayout(asked, guarded: true)
    for start in 0x1f80..<0x2030 as Range<UInt64> {
      for count in [1, 2, 4, 8] as [UInt64] {
        let touched = asked.filter {
          $0.range.rawStart < start + count && start < $0.range.rawStart + $0.range.count
        }
        let meaning = named(layout, store: start, count).flatMap { layout.meaning(of: $0) }
        if touched.isEmpty {
          guard case .asked(let watchpoint) = meaning else { continue }
          // Just behind, or without room for a guard.
          let last = watchpoint.range.rawStart + watchpoint.range.count - 1
          #expect(start > last && (start + count - 1 - last < 8 + 5 || 4096 - last % 4096 <= 8 + 5))
        } else if case .asked(let watchpoint) = meaning {
          #expect(touched.contains(watchpoint))
        } else {
          Issue.record("a store of \(count) bytes at \(start) is missed by \(layout.watchpoints)")
        }
      }
    }
  }
}
