import Bytes
import Testing
import TimeTravel

/// How much the engine has to do: exact counts, no clocks.
struct WorkTests {
  private static var policy: CheckpointPolicy {
    var policy = CheckpointPolicy()
    policy.assumedCosts = EngineCosts(
      instruction: .nanoseconds(1), save: .nanoseconds(40), restore: .nanoseconds(20))
    policy.traceLength = 128
    return policy
  }

  private static let length: UInt64 = 60_000

  @Test func `A hundred reverse steps need one pass`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: Self.length), policy: Self.policy)
    let origin = try #require(toy.oracle.first(of: Moment(50_000)))
    try await toy.place(at: origin)
    await toy.engine.resetWork()
    _ = try await toy.timeline.reverseStep()
    let first = await toy.engine.work
    // Not from the beginning: there is a checkpoint close by.
    #expect(first.executed < 500)
    #expect(first.restores == 1)
    await toy.engine.resetWork()
    for step in 2...101 {
      _ = try await toy.timeline.reverseStep()
      try await toy.expect(at: origin - step)
    }
    #expect(await toy.engine.work == ToyEngine.Work())
    for step in (91...100).reversed() {
      _ = try await toy.timeline.step()
      try await toy.expect(at: origin - step)
    }
    #expect(await toy.engine.work == ToyEngine.Work())
  }

  @Test func `Thousands of reverse steps need few restores`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: Self.length), policy: Self.policy)
    let origin = try #require(toy.oracle.first(of: Moment(50_000)))
    try await toy.place(at: origin)
    await toy.engine.resetWork()
    for step in 1...3000 {
      _ = try await toy.timeline.reverseStep()
      if step % 500 == 0 { try await toy.expect(at: origin - step) }
    }
    let work = await toy.engine.work
    #expect(work.restores < 40)
    #expect(work.executed < 20_000)
  }

  @Test func `Ten steps forwards, ten back, without a pass`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: Self.length), policy: Self.policy)
    let origin = try #require(toy.oracle.first(of: Moment(30_000)))
    try await toy.place(at: origin)
    await toy.engine.resetWork()
    for step in 1...10 {
      _ = try await toy.timeline.step()
      try await toy.expect(at: origin + step)
    }
    for step in (0..<10).reversed() {
      _ = try await toy.timeline.reverseStep()
      try await toy.expect(at: origin + step)
    }
    #expect(await toy.engine.work.executed == 10)
    #expect(await toy.engine.work.restores == 0)
  }

  @Test func `What is read after each step is there at the next`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: Self.length), policy: Self.policy)
    let origin = try #require(toy.oracle.first(of: Moment(50_000)))
    try await toy.place(at: origin)
    func look(_ index: Int) async throws {
      let machine = toy.oracle.states[index].machine
      let code = MemoryRange(.virtual(VirtualAddress(0)), count: 16)
      #expect(try await toy.timeline.memory(code) == Array(machine.memory[0..<16]))
      let top = UInt64(machine.stackPointer)
      let stack = MemoryRange(.virtual(VirtualAddress(top)), count: 1)
      #expect(try await toy.timeline.memory(stack) == [machine.memory[Int(top)]])
    }
    try await look(origin)
    _ = try await toy.timeline.reverseStep()
    try await look(origin - 1)
    await toy.engine.resetWork()
    for step in 2...100 {
      _ = try await toy.timeline.reverseStep()
      try await look(origin - step)
    }
    #expect(await toy.engine.work == ToyEngine.Work())
  }

  /// A program whose only store to `address` comes early, once.
  private func earlyHit() -> ToyProgram {
    ToyProgram(
      instructions: [
        .store(register: 1, address: 200), .add(register: 0, 1), .add(register: 1, 2),
        .store(register: 1, address: 3), .jump(1),
      ], handler: 1, interrupts: [], length: Self.length)
  }

  @Test func `An early single stop costs little more than one pass`() async throws {
    let toy = try await ToyTimeline(earlyHit(), policy: Self.policy)
    _ = try await toy.timeline.seek(.percent(100))
    await toy.timeline.setBreakpoint(ToyMachine.address(0))
    await toy.engine.resetWork()
    let stop = try await toy.timeline.reverseRun()
    #expect(stop == TimelineStop(.breakpoint(ToyMachine.address(0)), at: Moment(0)))
    let executed = await toy.engine.work.executed
    #expect(executed <= Int(Self.length) * 11 / 10)
  }

  @Test func `Dense stops needn't all be met`() async throws {
    let toy = try await ToyTimeline(earlyHit(), policy: Self.policy)
    _ = try await toy.timeline.seek(.percent(100))
    let written = Watchpoint(MemoryRange(.virtual(VirtualAddress(3)), count: 1), access: .write)
    await toy.timeline.setWatchpoint(written)
    await toy.engine.resetWork()
    let stop = try await toy.timeline.reverseRun()
    let truth = toy.oracle.reverseRun(
      from: toy.oracle.last, StopSet(watchpoints: [written]))
    #expect(stop.moment == toy.oracle.moment(try #require(truth).index))
    #expect(await toy.engine.work.executed < Int(Self.length) / 10)
  }

  @Test func `Dense stops without checkpoints cost less than three passes`() async throws {
    var policy = Self.policy
    policy.maximumCount = 0
    let toy = try await ToyTimeline(earlyHit(), policy: policy)
    _ = try await toy.timeline.seek(.percent(100))
    let written = Watchpoint(MemoryRange(.virtual(VirtualAddress(3)), count: 1), access: .write)
    await toy.timeline.setWatchpoint(written)
    await toy.engine.resetWork()
    _ = try await toy.timeline.reverseRun()
    #expect(await toy.engine.work.executed < Int(Self.length) * 3)
  }

  @Test func `A condition that never holds costs few passes`() async throws {
    let toy = try await ToyTimeline(earlyHit(), policy: Self.policy)
    _ = try await toy.timeline.seek(.percent(100))
    await toy.timeline.setBreakpoint(
      ToyMachine.address(3), condition: StopCondition(key: [0]) { _ in false })
    await toy.engine.resetWork()
    #expect(try await toy.timeline.reverseRun().reason == .beginning)
    let work = await toy.engine.work
    #expect(work.executed < Int(Self.length) * 3)
    // Asked again, it is known.
    _ = try await toy.timeline.seek(.percent(100))
    await toy.engine.resetWork()
    #expect(try await toy.timeline.reverseRun().reason == .beginning)
    #expect(await toy.engine.work.executed == 0)
  }

  @Test func `A search that was made serves the next`() async throws {
    let toy = try await ToyTimeline(.random(seed: 11, length: Self.length), policy: Self.policy)
    let origin = try #require(toy.oracle.first(of: Moment(50_000)))
    try await toy.place(at: origin)
    let stops = StopSet(breakpoints: [ToyMachine.address(2)])
    await toy.arm(stops)
    for attempt in 0..<2 {
      var index = origin
      for _ in 0..<20 {
        let truth = toy.oracle.reverseRun(from: index, stops)
        let stop = try await toy.timeline.reverseRun()
        try await toy.expect(stop, truth, otherwise: (0, .beginning))
        index = truth?.index ?? 0
        // Debuggers remove and insert their breakpoints at each stop: nothing is forgotten for that.
        await toy.timeline.removeAllStops()
        await toy.arm(stops)
      }
      if attempt == 1 { #expect(await toy.engine.work.executed == 0) }
      _ = try await toy.timeline.seek(.moment(toy.oracle.moment(origin)))
      await toy.engine.resetWork()
    }
  }

  @Test func `Laying checkpoints costs a bounded share of a run`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: Self.length), policy: Self.policy)
    await toy.engine.resetWork()
    #expect(try await toy.timeline.run().reason == .end)
    let work = await toy.engine.work
    #expect(work.saves > 20)
    #expect(Double(work.saves * 40) <= Double(Self.length) / 10)
  }
}
