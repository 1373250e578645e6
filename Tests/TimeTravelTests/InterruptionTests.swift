import Bytes
import Testing
import TimeTravel

struct InterruptionTests {
  @Test(arguments: [1, 2, 6])
  func `A search interrupted in any call returns to where it began`(seed: UInt64) async throws {
    let program = ToyProgram.random(seed: seed, length: 400)
    var call = 1
    var interruptions = 0
    while true {
      let toy = try await ToyTimeline(program)
      let origin = toy.oracle.last * 4 / 5
      try await toy.place(at: origin)
      // Hits nothing: the search goes back to the beginning.
      await toy.timeline.setBreakpoint(VirtualAddress(1))
      await toy.engine.resetWork()
      let timeline = toy.timeline
      await toy.engine.interrupt(inCall: call) { await timeline.interrupt() }
      let stop = try await toy.timeline.reverseRun()
      let calls = await toy.engine.work.calls
      if stop.reason == .interrupted {
        interruptions += 1
        #expect(calls <= call + 4, "it goes on for long")
        try await toy.expect(at: origin, memory: true)
        #expect(try await toy.timeline.reverseRun().reason == .beginning)
      } else {
        #expect(stop.reason == .beginning)
        // It came in the last calls or not at all.
        #expect(call + 4 > calls)
        if call > calls { break }
      }
      call += 1
    }
    #expect(interruptions > 10)
  }

  @Test func `What takes long and can't be interrupted isn't waited for`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: 400))
    let origin = toy.oracle.last * 4 / 5
    try await toy.place(at: origin)
    await toy.timeline.setBreakpoint(VirtualAddress(1))
    let (begun, begin) = AsyncStream<Void>.makeStream()
    let (gate, open) = AsyncStream<Void>.makeStream()
    await toy.engine.delayRestoring {
      begin.yield()
      for await _ in gate { break }
    }
    let timeline = toy.timeline
    async let stop = timeline.reverseRun()
    for await _ in begun { break }
    await timeline.interrupt()
    // The engine is still at it.
    #expect(try await stop.reason == .interrupted)
    try await toy.expect(at: origin)
    await toy.engine.delayRestoring(nil)
    open.finish()
    try await toy.expect(at: origin, memory: true)
    #expect(try await timeline.reverseRun().reason == .beginning)
  }

  @Test func `A run forwards stays where it was interrupted`() async throws {
    let toy = try await ToyTimeline(.random(seed: 8, length: 400))
    try await toy.place(at: 20)
    let call = await toy.engine.work.calls + 12
    let timeline = toy.timeline
    await toy.engine.interrupt(inCall: call) { await timeline.interrupt() }
    let stop = try await toy.timeline.run()
    #expect(stop.reason == .interrupted)
    #expect(stop.moment > toy.oracle.moment(20))
    let index = try #require(toy.oracle.first(of: stop.moment))
    try await toy.expect(at: index, memory: true)
    #expect(try await toy.timeline.run().reason == .end)
  }

  @Test func `A query that is interrupted says so`() async throws {
    let toy = try await ToyTimeline(.random(seed: 8, length: 400))
    try await toy.place(at: 200)
    let timeline = toy.timeline
    let call = await toy.engine.work.calls + 6
    await toy.engine.interrupt(inCall: call) { await timeline.interrupt() }
    await #expect(throws: TimelineError.interrupted) {
      try await toy.timeline.lastWrite(to: MemoryRange(.virtual(VirtualAddress(128)), count: 1))
    }
    try await toy.expect(at: 200, memory: true)
  }

  @Test func `An interruption without a request does nothing`() async throws {
    let toy = try await ToyTimeline(.random(seed: 8, length: 400))
    await toy.timeline.interrupt()
    // One that the engine got too late is none of the next request's business.
    await toy.engine.interrupt()
    #expect(try await toy.timeline.run().reason == .end)
  }

  @Test func `One request at a time`() async throws {
    let toy = try await ToyTimeline(.random(seed: 8, length: 400))
    let timeline = toy.timeline
    let call = await toy.engine.work.calls + 2
    await toy.engine.interrupt(inCall: call) {
      await #expect(throws: TimelineError.busy) { try await timeline.step() }
    }
    #expect(try await toy.timeline.run().reason == .end)
  }
}
