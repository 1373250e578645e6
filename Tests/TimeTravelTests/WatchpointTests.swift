import Bytes
import Testing
import TimeTravel

struct WatchpointTests {
  private static let program = ToyProgram(
    instructions: [
      .add(register: 0, 1), .store(register: 0, address: 5), .add(register: 1, 1),
      .load(register: 2, address: 5), .jump(0),
    ], handler: 0, interrupts: [], length: 400)

  private static func watch(_ start: UInt64, _ count: UInt64, _ access: WatchedAccess) -> Watchpoint
  {
    Watchpoint(MemoryRange(.virtual(VirtualAddress(start)), count: count), access: access)
  }

  @Test func `Forwards after the access, backwards before it`() async throws {
    let toy = try await ToyTimeline(Self.program)
    let written = Self.watch(5, 1, .write)
    let read = Self.watch(5, 1, .read)
    await toy.timeline.setWatchpoint(written)
    let forth = try await toy.timeline.run()
    #expect(forth == TimelineStop(.watchpoint(written), at: Moment(2)))
    #expect(await toy.timeline.registers.programCounter == ToyMachine.address(2))
    let back = try await toy.timeline.reverseRun()
    #expect(back == TimelineStop(.watchpoint(written), at: Moment(1)))
    #expect(await toy.timeline.registers.programCounter == ToyMachine.address(1))
    #expect(try await toy.timeline.memory(written.range) == [0])
    await toy.timeline.removeWatchpoint(written)
    await toy.timeline.setWatchpoint(read)
    #expect(
      try await toy.timeline.run() == TimelineStop(.watchpoint(read), at: Moment(4)))
    #expect(
      try await toy.timeline.reverseRun() == TimelineStop(.watchpoint(read), at: Moment(3)))
    #expect(
      try await toy.timeline.reverseRun() == TimelineStop(.beginning, at: Moment(0)))
  }

  @Test func `Each of two on the same memory is told when it alone is set`() async throws {
    let toy = try await ToyTimeline(Self.program)
    let both = [Self.watch(5, 1, .write), Self.watch(4, 4, .readOrWrite)]
    _ = try await toy.timeline.seek(.moment(Moment(201)))
    await toy.arm(StopSet(watchpoints: Set(both)))
    // Records a step that accesses both, of which the engine names one.
    _ = try await toy.timeline.step()
    for watchpoint in both {
      await toy.arm(StopSet(watchpoints: [watchpoint]))
      #expect(
        try await toy.timeline.reverseStep()
          == TimelineStop(.watchpoint(watchpoint), at: Moment(201)))
      #expect(
        try await toy.timeline.step() == TimelineStop(.watchpoint(watchpoint), at: Moment(202)))
      await toy.arm(StopSet(watchpoints: Set(both)))
      _ = try await toy.timeline.reverseStep()
      _ = try await toy.timeline.step()
    }
    for watchpoint in both {
      await toy.arm(StopSet(watchpoints: [watchpoint]))
      #expect(
        try await toy.timeline.reverseRun()
          == TimelineStop(.watchpoint(watchpoint), at: Moment(201)))
      #expect(
        try await toy.timeline.run() == TimelineStop(.watchpoint(watchpoint), at: Moment(202)))
    }
  }

  @Test(arguments: [0, 1 << 16] as [UInt64])
  func `Where the engine hangs watching, memory is compared`(error: UInt64) async throws {
    var program = Self.program
    program.length = 70_600
    let toy = try await ToyTimeline(program)
    // The instruction that is executed at 70301 stores.
    await toy.engine.fail(.init(stallsWatching: (70_302, error)))
    let written = Self.watch(5, 1, .write)
    let stops = StopSet(watchpoints: [written])
    var index = try #require(toy.oracle.first(of: Moment(70_290)))
    try await toy.place(at: index)
    await toy.arm(stops)
    for _ in 0..<5 {
      let truth = toy.oracle.run(from: index, stops)
      try await toy.expect(
        try await toy.timeline.run(), truth, otherwise: (toy.oracle.last, .end))
      index = truth?.index ?? index
    }
    #expect(await toy.engine.work.restarts == 1)
    for _ in 0..<5 {
      let truth = toy.oracle.reverseRun(from: index, stops)
      try await toy.expect(
        try await toy.timeline.reverseRun(), truth, otherwise: (0, .beginning))
      index = truth?.index ?? index
    }
    #expect(await toy.engine.work.restarts == 1)
  }

  /// More often than an engine may end otherwise.
  @Test func `An engine that ends watching and knows better is started again`() async throws {
    var program = Self.program
    program.length = 5000
    let toy = try await ToyTimeline(program)
    let counts: Set<UInt64> = [10, 1000, 2000, 3000, 4000, 4900, 4990]
    #expect(counts.count > CheckpointPolicy.toy.restartLimit + 1)
    let written = Self.watch(200, 1, .write)
    try await toy.place(at: toy.oracle.last)
    await toy.arm(StopSet(watchpoints: [written]))
    await toy.engine.fail(.init(diesWatching: counts))
    await toy.engine.resetWork()
    #expect(try await toy.timeline.reverseRun().reason == .beginning)
    #expect(await toy.engine.work.restarts == counts.count)
  }

  @Test func `Where the engine hangs is remembered for the next session`() async throws {
    let store = CheckpointTests.MemoryStore()
    var program = Self.program
    program.length = 5000
    let toy = try await ToyTimeline(program, store: store)
    let written = Self.watch(5, 1, .write)
    await toy.engine.fail(.init(stallsWatching: (3002, 0)))
    _ = try await toy.timeline.seek(.moment(Moment(2990)))
    await toy.timeline.setWatchpoint(written)
    #expect(try await toy.timeline.run(to: Moment(3050)).reason == .watchpoint(written))
    _ = try await toy.timeline.run(to: Moment(3010))
    _ = try await toy.timeline.run(to: Moment(3010))
    _ = try await toy.timeline.run(to: Moment(3010))
    #expect(await toy.engine.work.restarts == 1)
    let second = try await Timeline(toy.engine, policy: .toy, store: store)
    _ = try await second.seek(.moment(Moment(2990)))
    await second.setWatchpoint(written)
    for _ in 0..<5 { _ = try await second.run(to: Moment(3010)) }
    #expect(await second.position > Moment(3002))
    #expect(await toy.engine.work.restarts == 1)
  }

  @Test func `An access that a limit hides is found all the same`() async throws {
    // One store in fifty instructions.
    var instructions = [ToyInstruction](repeating: .add(register: 0, 1), count: 50)
    instructions[20] = .store(register: 0, address: 5)
    instructions.append(.jump(0))
    let program = ToyProgram(
      instructions: instructions, handler: 0, interrupts: [], length: 2000)
    let toy = try await ToyTimeline(program)
    await toy.engine.fail(.init(hidesAccessAtLimit: true))
    let written = Self.watch(5, 1, .write)
    await toy.timeline.setWatchpoint(written)
    let stops = toy.oracle.stops(StopSet(watchpoints: [written]))
    for index in stops {
      let stop = try await toy.timeline.run()
      #expect(stop == TimelineStop(.watchpoint(written), at: toy.oracle.moment(index)))
    }
    for index in stops.reversed() {
      await toy.timeline.removeAllStops()
      // Right after the access: where the search ends.
      _ = try await toy.timeline.seek(.moment(toy.oracle.moment(index)))
      await toy.timeline.setWatchpoint(written)
      let stop = try await toy.timeline.reverseRun()
      #expect(stop == TimelineStop(.watchpoint(written), at: toy.oracle.moment(index - 1)))
    }
  }
}
