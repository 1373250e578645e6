import Bytes
import Testing
import TimeTravel

/// Engines that end, hang, go another way or refuse.
struct EngineTroubleTests {
  /// What a user might do in a session, and what they see of it.
  private func session(_ toy: ToyTimeline) async throws -> [Sight] {
    var seen: [Sight] = []
    func note(_ stop: TimelineStop) async { seen.append(.stop(stop, await toy.timeline.registers)) }
    let middle = toy.oracle.last * 3 / 4
    await note(try await toy.timeline.seek(.moment(toy.oracle.moment(middle))))
    await toy.timeline.setBreakpoint(ToyMachine.address(3))
    await note(try await toy.timeline.reverseRun())
    await note(try await toy.timeline.reverseStep())
    await toy.timeline.setWatchpoint(
      Watchpoint(MemoryRange(.virtual(VirtualAddress(0)), count: 2), access: .readOrWrite))
    await note(try await toy.timeline.reverseRun())
    await note(try await toy.timeline.step())
    let record = try await toy.timeline.lastWrite(
      to: MemoryRange(.virtual(VirtualAddress(4)), count: 4))
    seen.append(.write(record.finding))
    await note(try await toy.timeline.run())
    let bytes = try await toy.timeline.memory(MemoryRange(.virtual(VirtualAddress(0)), count: 32))
    seen.append(.memory(bytes))
    return seen
  }

  private enum Sight: Equatable {
    case stop(TimelineStop, EngineRegisters)
    case write(LastWrite.Finding)
    case memory([UInt8])
  }

  @Test(arguments: [true, false], [2, 5])
  func `An end in any call changes no answer`(losesCheckpoints: Bool, seed: UInt64) async throws {
    let program = ToyProgram.random(seed: seed, length: 300)
    let calm = try await ToyTimeline(program)
    let first = await calm.engine.work.calls + 1
    let truth = try await session(calm)
    let last = await calm.engine.work.calls
    #expect(last > 100)
    for call in first...last {
      let toy = try await ToyTimeline(program)
      await toy.engine.fail(.init(deathCalls: [call], losesCheckpoints: losesCheckpoints))
      let seen = try await session(toy)
      #expect(seen == truth, "killed in call \(call)")
      #expect(await toy.engine.work.restarts == 1)
    }
  }

  @Test func `An engine that can't be started again is reported`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: 300))
    try await toy.place(at: 100)
    await toy.timeline.setBreakpoint(ToyMachine.address(77))
    let call = await toy.engine.work.calls + 3
    await toy.engine.fail(.init(deathCalls: [call], canRestart: false))
    let error = await #expect(throws: TimelineError.self) {
      try await toy.timeline.reverseRun()
    }
    #expect(error == .engineLost(attempts: 5, detail: "can't be started"))
    try await toy.expect(at: 100)
    // When the cause is gone, it goes on.
    await toy.engine.fail(.init())
    #expect(try await toy.timeline.reverseRun().reason == .beginning)
  }

  @Test func `A stall is reported where it is`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: 300))
    await toy.engine.fail(.init(stallsAt: 140))
    let error = await #expect(throws: TimelineError.self) { try await toy.timeline.run() }
    #expect(error == .stalled(at: Moment(140), detail: "waiting for nothing"))
    try await toy.expect(at: 0, memory: true)
  }

  @Test func `Divergence is noticed at the next checkpoint`() async throws {
    let toy = try await ToyTimeline(.random(seed: 3, length: 600))
    #expect(try await toy.timeline.run().reason == .end)
    let checkpoints = await toy.timeline.checkpoints
    let middle = checkpoints[checkpoints.count / 2]
    let next = checkpoints[checkpoints.count / 2 + 1]
    _ = try await toy.timeline.seek(.moment(middle.moment.later(by: 1)))
    // The second pass over this count differs; the first one was the run to the end.
    await toy.engine.fail(.init(divergesAt: middle.moment.rawValue + 3))
    _ = try await toy.timeline.run(to: middle.moment.later(by: 4))
    _ = try await toy.timeline.seek(.moment(middle.moment.later(by: 1)))
    let error = await #expect(throws: TimelineError.self) { try await toy.timeline.run() }
    #expect(error == .diverged(at: next.moment, since: middle.moment))
    // With the cause gone, it doesn't go on from where it went astray.
    await toy.engine.fail(.init())
    let after = next.moment.later(by: 2)
    _ = try await toy.timeline.seek(.moment(after))
    try await toy.expect(at: try #require(toy.oracle.first(of: after)), memory: true)
  }

  @Test func `A spoiled checkpoint is reported once and then avoided`() async throws {
    let toy = try await ToyTimeline(.random(seed: 3, length: 600))
    #expect(try await toy.timeline.run().reason == .end)
    let checkpoints = await toy.timeline.checkpoints
    let bad = checkpoints[2]
    await toy.engine.fail(.init(spoiledCheckpoint: bad.name))
    let target = bad.moment.later(by: 2)
    let error = await #expect(throws: TimelineError.self) {
      try await toy.timeline.seek(.moment(target))
    }
    #expect(error == .diverged(at: bad.moment, since: checkpoints[1].moment))
    #expect(try await toy.timeline.seek(.moment(target)).reason == .done)
    try await toy.expect(at: try #require(toy.oracle.first(of: target)), memory: true)
  }

  @Test func `Where saving is refused, a later moment will do`() async throws {
    let program = ToyProgram.random(seed: 4, length: 900)
    let toy = try await ToyTimeline(program)
    await toy.engine.fail(.init(refusesSaving: { $0 % 5 != 0 }))
    #expect(try await toy.timeline.run().reason == .end)
    let checkpoints = await toy.timeline.checkpoints
    #expect(checkpoints.count > 4)
    #expect(checkpoints.allSatisfy { $0.moment.rawValue % 5 == 0 })
  }

  @Test func `Where saving is always refused, everything still works`() async throws {
    let toy = try await ToyTimeline(.random(seed: 4, length: 300))
    await toy.engine.fail(.init(refusesSaving: { _ in true }))
    #expect(try await toy.timeline.run().reason == .end)
    #expect(try await toy.timeline.reverseStep().reason == .done)
    try await toy.expect(at: toy.oracle.last - 1, memory: true)
    await #expect(
      throws: TimelineError.engine("no checkpoint can be saved here: events are pending")
    ) {
      try await toy.timeline.saveCheckpoint()
    }
  }

  @Test func `What the engine can't watch is an error`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: 100))
    try await toy.place(at: 50)
    let range = MemoryRange(.physical(PhysicalAddress(0x10)), count: 8)
    await toy.timeline.setWatchpoint(Watchpoint(range, access: .write))
    await #expect(throws: TimelineError.unsupported("watchpoints on physical memory")) {
      try await toy.timeline.reverseRun()
    }
    await toy.timeline.removeAllStops()
    try await toy.expect(at: 50, memory: true)
  }

  @Test(arguments: [1, 3, 4])
  func `An end before the first request is as good as one later`(call: Int) async throws {
    let program = ToyProgram.random(seed: 3, length: 300)
    let engine = ToyEngine(program)
    await engine.fail(.init(deathCalls: [call]))
    let timeline = try await Timeline(engine, policy: .toy)
    #expect(await engine.work.restarts == 1)
    #expect(await timeline.registers == ToyMachine(program).registers)
    #expect(try await timeline.run().reason == .end)
    let lost = ToyEngine(program)
    await lost.fail(.init(deathCalls: [call], canRestart: false))
    await #expect(throws: TimelineError.engineLost(attempts: 5, detail: "can't be started")) {
      _ = try await Timeline(lost, policy: .toy)
    }
  }
}
