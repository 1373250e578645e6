import Foundation
import TestWorlds
import Testing
import Varve

/// Where a real QEMU stops otherwise than one expects.
@Suite("Stops of QEMU", .enabled(if: RecordedGuest.isPossible), .serialized)
struct EngineStopTests {
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
    try #require(try await engine.run(to: limit) == .watchpoint(watchpoint))
    let after = try await engine.position()

    try await engine.setStops(.none)
    try await engine.rewind()
    #expect(try await engine.run(to: after.earlier(by: 1)) == .reached)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    #expect(try await engine.step() == .watchpoint(watchpoint))
    #expect(try await engine.position() == after)
    try await engine.setStops(.none)
    #expect(try await engine.run(to: after.later(by: 100)) == .reached)
    #expect(try await engine.position() == after.later(by: 100))
    await engine.end()
  }
}
