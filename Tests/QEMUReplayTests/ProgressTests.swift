import Bytes
import GDBRemote
import Testing
import TimeTravel

@testable import QEMUReplay

/// What takes long tells how far it is.
struct ProgressTests {
  /// Stands still.
  private struct IdleEngine: ReplayEngine {
    func recordedRange() -> ClosedRange<Moment> { Moment(0)...Moment(1000) }
    func guestClock() -> GuestClock { GuestClock(shift: 3) }
    func timeSpent() -> Duration { .zero }
    func position() -> Moment { Moment(0) }
    func run(to limit: Moment) throws(EngineError) -> EngineStop { throw .unsupported("running") }
    func step() throws(EngineError) -> EngineStop { throw .unsupported("stepping") }
    func setStops(_ stops: StopSet) {}
    func registers() -> EngineRegisters {
      EngineRegisters(
        bytes: [0], programCounter: VirtualAddress(0), stackPointer: VirtualAddress(0))
    }
    func memory(_ range: MemoryRange) throws(EngineError) -> [UInt8] { throw .unreadable(range) }
    func saveCheckpoint(_ name: CheckpointName) throws(EngineError) -> UInt64 {
      throw .unsupported("checkpoints")
    }
    func restoreCheckpoint(_ name: CheckpointName) throws(EngineError) {
      throw .noSuchCheckpoint(name)
    }
    func deleteCheckpoint(_ name: CheckpointName) throws(EngineError) {
      throw .noSuchCheckpoint(name)
    }
    func checkpoints() -> Set<CheckpointName> { [] }
    func rewind() {}
    func interrupt() {}
    func restart() {}
  }

  private func target(interval: Duration) async throws -> TimelineTarget<IdleEngine> {
    let description = try #require(EngineArchitecture.of("qemu-system-x86_64")).description
    return TimelineTarget(
      try await Timeline(IdleEngine()), description: description,
      progressInterval: interval)
  }

  @Test func longWorkTellsWhereItIs() async throws {
    let target = try await target(interval: .milliseconds(1))
    let (notes, tell) = AsyncStream.makeStream(of: String.self)
    let note: @Sendable (String) -> Void = { tell.yield($0) }
    // Ends only when it has been told of.
    let first = try await target.tellingProgress(note, lineEnd: "!") {
      () async throws(RemoteError) in
      await notes.first { _ in true }
    }
    #expect(
      first
        == "still at it: instruction 0 (0.00%), about 0.000 s of guest time; Ctrl-C ends this!")
  }

  @Test func shortWorkTellsNothing() async throws {
    let target = try await target(interval: .seconds(1000))
    let (notes, tell) = AsyncStream.makeStream(of: String.self)
    let note: @Sendable (String) -> Void = { tell.yield($0) }
    let answer = try await target.tellingProgress(note) {
      () async throws(RemoteError) in 7
    }
    tell.finish()
    #expect(answer == 7)
    #expect(await notes.reduce(0) { count, _ in count + 1 } == 0)
  }

  @Test func sightingsAreForgotten() {
    let sighting = Sighting()
    #expect(sighting.moment == nil)
    sighting.note(Moment(5))
    #expect(sighting.moment == Moment(5))
    sighting.forget()
    #expect(sighting.moment == nil)
  }
}
