import Foundation
import TestWorlds
import Testing
import Varve

/// Where a real QEMU stops otherwise than one expects.
@Suite("Stops of QEMU", .enabled(if: RecordedGuest.isPossible), .serialized)
struct EngineStopTests {
  /// QEMU 7.2 says nothing of an access that falls together with the count to stop at, and aborts at the next one.
  @Test func seesAnAccessThatFallsTogetherWithTheLimit() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    let engine = try QEMUEngine(try guest.record())
    let middle = Moment(try await engine.recordedRange().upperBound.rawValue / 2)
    #expect(try await engine.run(to: middle) == .reached)
    let top = VirtualAddress(try await engine.registers().stackPointer.rawValue &- 8)
    let watchpoint = Watchpoint(MemoryRange(.virtual(top), count: 8), access: .write)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    let end = middle.later(by: 10_000_000)
    var hits: [Moment] = []
    while hits.count < 4, try await engine.run(to: end) == .watchpoint(watchpoint) {
      hits.append(try await engine.position())
    }
    try #require(hits.count == 4)

    try await engine.setStops(.none)
    try await engine.rewind()
    #expect(try await engine.run(to: middle) == .reached)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    for hit in hits {
      #expect(try await engine.run(to: hit.earlier(by: 1)) == .reached)
      #expect(try await engine.run(to: hit) == .watchpoint(watchpoint))
      #expect(try await engine.position() == hit)
    }
    #expect(try await engine.run(to: try #require(hits.last).later(by: 1)) == .reached)
    try await engine.end()
  }

  /// A QEMU that doesn't come on restoring a state is ended, and another one goes on.
  @Test func givesAHangingQEMUUp() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    let engine = try QEMUEngine(try guest.record(), patience: .seconds(1))
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
    try await engine.end()
  }

  /// QEMU 7.2 stops once more for a watchpoint that a single step has hit, without saying why.
  @Test func runsOnAfterAStepOntoAWatchpoint() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    let engine = try QEMUEngine(try guest.record())
    let middle = Moment(try await engine.recordedRange().upperBound.rawValue / 2)
    #expect(try await engine.run(to: middle) == .reached)
    // What the next call or push writes.
    let top = VirtualAddress(try await engine.registers().stackPointer.rawValue &- 8)
    let watchpoint = Watchpoint(MemoryRange(.virtual(top), count: 8), access: .write)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    let limit = middle.later(by: 10_000_000)
    #expect(try await engine.run(to: limit) == .watchpoint(watchpoint))
    let after = try await engine.position()

    try await engine.setStops(.none)
    try await engine.rewind()
    #expect(try await engine.run(to: after.earlier(by: 1)) == .reached)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    #expect(try await engine.step() == .watchpoint(watchpoint))
    #expect(try await engine.position() == after)
    try await engine.setStops(.none)
    let later = after.later(by: 100)
    #expect(try await engine.run(to: later) == .reached)
    #expect(try await engine.position() == later)
    try await engine.end()
  }
}
