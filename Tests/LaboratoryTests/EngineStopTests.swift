import Foundation
import TestWorlds
import Testing
import Varve

/// Where a real QEMU stops otherwise than one expects.
@Suite("Stops of QEMU", .enabled(if: RecordedGuest.isPossible), .serialized)
struct EngineStopTests {
  /// Ends QEMU whatever happens: it may hold what other tests wait for to be closed.
  private func withEngine(
    _ guest: RecordedGuest, _ body: (QEMUEngine) async throws -> Void
  ) async throws {
    let engine = try QEMUEngine(try guest.record(), patience: .seconds(5))
    do {
      try await body(engine)
    } catch {
      try await engine.end()
      throw error
    }
    try await engine.end()
  }

  /// A word of the stack that is written four times before long, where to watch it from, and where the machine is
  /// after each of them.
  private func busyWord(
    _ engine: QEMUEngine
  ) async throws -> (watchpoint: Watchpoint, start: Moment, hits: [Moment]) {
    let end = try await engine.recordedRange().upperBound
    for share in [80, 85, 90, 93, 96, 98] as [UInt64] {
      try await engine.setStops(.none)
      let start = Moment(end.rawValue / 100 * share)
      #expect(try await engine.run(to: start) == .reached)
      let top = VirtualAddress(try await engine.registers().stackPointer.rawValue &- 8)
      let watchpoint = Watchpoint(MemoryRange(.virtual(top), count: 8), access: .write)
      try await engine.setStops(StopSet(watchpoints: [watchpoint]))
      var hits: [Moment] = []
      while hits.count < 4,
        try await engine.run(to: start.later(by: 1_000_000)) == .watchpoint(watchpoint)
      {
        hits.append(try await engine.position())
      }
      try await engine.setStops(.none)
      if hits.count == 4 { return (watchpoint, start, hits) }
    }
    throw ToolFailure(description: "no word of the stack is written often enough")
  }

  /// QEMU 7.2 says nothing of an access that falls together with the count to stop at, and aborts at the next one.
  @Test func seesAnAccessThatFallsTogetherWithTheLimit() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    try await withEngine(guest) { engine in try await self.seesHiddenAccesses(engine) }
  }

  private func seesHiddenAccesses(_ engine: QEMUEngine) async throws {
    let word = try await busyWord(engine)
    try await engine.rewind()
    #expect(try await engine.run(to: word.start) == .reached)
    try await engine.setStops(StopSet(watchpoints: [word.watchpoint]))
    for hit in word.hits {
      if try await engine.position() < hit.earlier(by: 1) {
        #expect(try await engine.run(to: hit.earlier(by: 1)) == .reached)
      }
      #expect(try await engine.run(to: hit) == .watchpoint(word.watchpoint))
      #expect(try await engine.position() == hit)
    }
  }

  /// A QEMU that doesn't come on restoring a state is ended, and another one goes on.
  @Test func givesAHangingQEMUUp() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    try await withEngine(guest) { engine in try await self.outlivesAHang(engine) }
  }

  private func outlivesAHang(_ engine: QEMUEngine) async throws {
    let timeline = try await Timeline(engine)
    let middle = Moment(await timeline.recorded.upperBound.rawValue / 2)
    #expect(try await timeline.seek(.moment(middle)).moment == middle)
    let registers = await timeline.registers
    _ = try await timeline.seek(.moment(middle.later(by: 1000)))
    let first = engine.processID
    kill(first, SIGSTOP)
    #expect(try await timeline.seek(.moment(middle)).moment == middle)
    #expect(await timeline.registers == registers)
    #expect(engine.processID != first)
  }

  /// QEMU 7.2 stops once more for a watchpoint that a single step has hit, without saying why.
  @Test func runsOnAfterAStepOntoAWatchpoint() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    try await withEngine(guest) { engine in try await self.runsOn(engine) }
  }

  private func runsOn(_ engine: QEMUEngine) async throws {
    let word = try await busyWord(engine)
    let watchpoint = word.watchpoint
    let after = word.hits[0]
    try await engine.rewind()
    #expect(try await engine.run(to: after.earlier(by: 1)) == .reached)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    #expect(try await engine.step() == .watchpoint(watchpoint))
    #expect(try await engine.position() == after)
    try await engine.setStops(.none)
    let later = after.later(by: 100)
    #expect(try await engine.run(to: later) == .reached)
    #expect(try await engine.position() == later)
  }
}
