import Bytes
import Synchronization
import Testing
import TimeTravel

/// Which checkpoints there are, how many, and what is kept of them.
struct CheckpointTests {
  /// Keeps the catalogue's JSON in memory.
  final class MemoryStore: CatalogueStore {
    let json = Mutex<[UInt8]?>(nil)

    func load() throws(TimelineError) -> CheckpointCatalogue? {
      guard let bytes = json.withLock({ $0 }) else { return nil }
      return try CheckpointCatalogue(json: bytes)
    }

    func save(_ catalogue: CheckpointCatalogue) throws(TimelineError) {
      let bytes = try catalogue.json()
      json.withLock { $0 = bytes }
    }
  }

  @Test func `They never exceed the limit and lie densely near the end`() async throws {
    var policy = CheckpointPolicy.toy
    policy.maximumCount = 10
    let toy = try await ToyTimeline(.random(seed: 1, length: 20_000), policy: policy)
    _ = try await toy.timeline.seek(.moment(Moment(19_000)))
    let moments = await toy.timeline.checkpoints.map(\.moment)
    #expect(moments.count == 10)
    #expect(await toy.engine.checkpointCount == 10)
    // The way to the place where the user is: short from nearby, and longer the farther it is.
    #expect(try #require(moments.last).distance(to: Moment(19_000)) <= 80)
    let half = moments.count { $0 > Moment(15_000) }
    #expect(half >= 5)
    #expect(try #require(moments.first) < Moment(12_000))
  }

  @Test func `Bytes are limited, too`() async throws {
    var policy = CheckpointPolicy.toy
    policy.maximumBytes = 3500
    let toy = try await ToyTimeline(.random(seed: 1, length: 2000), policy: policy)
    #expect(try await toy.timeline.run().reason == .end)
    #expect(await toy.timeline.checkpoints.count == 3)
    #expect(await toy.engine.checkpointCount == 3)
  }

  /// An engine slower than was assumed: when a search has come just before a checkpoint, one more seems due.
  @Test func `Searches don't heap them up before one another`() async throws {
    var policy = CheckpointPolicy.toy
    policy.assumedCosts = EngineCosts(
      instruction: .milliseconds(1), save: .seconds(1), restore: .milliseconds(500))
    let program = ToyProgram.random(seed: 1, length: 1001)
    let engine = ToyEngine(program, nanoseconds: 3_000_000)
    let store = MemoryStore()
    let first = try await Timeline(engine, policy: policy, store: store)
    _ = try await first.seek(.moment(Moment(1000)))
    let mine = try await first.saveCheckpoint()
    let timeline = try await Timeline(engine, policy: policy, store: store)
    _ = try await timeline.seek(.moment(Moment(1000)))
    let nowhere = MemoryRange(.virtual(VirtualAddress(4096)), count: 8)
    #expect(try await timeline.lastWrite(to: nowhere).finding == .nothing)
    #expect(await timeline.checkpoints == [mine])
  }

  @Test func `One that the user saved isn't dropped`() async throws {
    var policy = CheckpointPolicy.toy
    policy.maximumCount = 3
    let toy = try await ToyTimeline(.random(seed: 1, length: 2000), policy: policy)
    try await toy.place(at: 333)
    let mine = try await toy.timeline.saveCheckpoint()
    #expect(mine.isPinned)
    #expect(mine.moment == toy.oracle.moment(333))
    #expect(try await toy.timeline.run().reason == .end)
    #expect(await toy.timeline.checkpoints.contains(mine))
    for moment in [600, 900] as [UInt64] {
      _ = try await toy.timeline.seek(.moment(Moment(moment)))
      _ = try await toy.timeline.saveCheckpoint()
    }
    _ = try await toy.timeline.seek(.moment(Moment(1200)))
    await #expect(throws: TimelineError.full(count: 3, bytes: 3000)) {
      try await toy.timeline.saveCheckpoint()
    }
    try await toy.timeline.deleteCheckpoint(mine.name)
    #expect(await toy.timeline.checkpoints.count == 2)
    await #expect(throws: TimelineError.unknownName(mine.name.text)) {
      try await toy.timeline.deleteCheckpoint(mine.name)
    }
    #expect(try await toy.timeline.saveCheckpoint().moment == Moment(1200))
  }

  @Test func `The next session begins with them`() async throws {
    let store = MemoryStore()
    let toy = try await ToyTimeline(.random(seed: 1, length: 3000), store: store)
    let place = try #require(toy.oracle.first(of: Moment(2900)))
    try await toy.place(at: place)
    try await toy.timeline.setBookmark("crash")
    let before = await toy.timeline.checkpoints
    let second = try await Timeline(toy.engine, policy: .toy, store: store)
    #expect(await second.checkpoints == before)
    #expect(await second.bookmarks.map(\.name) == ["crash"])
    await toy.engine.resetWork()
    #expect(try await second.seek(.bookmark("crash")) == TimelineStop(.done, at: Moment(2900)))
    #expect(await second.registers == toy.oracle.states[place].machine.registers)
    #expect(await toy.engine.work.executed < 100)
  }

  @Test func `What a session left behind unlisted is removed`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: 3000))
    #expect(try await toy.timeline.run().reason == .end)
    #expect(await toy.engine.checkpointCount > 0)
    let second = try await Timeline(toy.engine, policy: .toy)
    #expect(await second.checkpoints == [])
    #expect(await toy.engine.checkpointCount == 0)
  }

  @Test func `Another recording's catalogue is refused`() async throws {
    let store = MemoryStore()
    let toy = try await ToyTimeline(.random(seed: 1, length: 300), store: store)
    #expect(try await toy.timeline.run().reason == .end)
    let text = String(decoding: try #require(store.json.withLock { $0 }), as: UTF8.self)
    let start = try #require(text.firstRange(of: "\"beginning\" : \""))
    let forged = text.replacing(
      text[start.upperBound..<text.index(start.upperBound, offsetBy: 16)], with: "0123456789abcdef")
    store.json.withLock { $0 = Array(forged.utf8) }
    await #expect(throws: TimelineError.diverged(at: Moment(0), since: Moment(0))) {
      _ = try await Timeline(toy.engine, policy: .toy, store: store)
    }
  }

  @Test func `Bookmarks name one state of several at a moment`() async throws {
    let program = ToyProgram(
      instructions: [
        .add(register: 0, 1), .fault, .jump(0), .add(register: 1, 1), .returnFromHandler,
      ],
      handler: 3, interrupts: [4], length: 40)
    let toy = try await ToyTimeline(program)
    let late = toy.oracle.states.indices.filter { index in
      index > 0 && toy.oracle.moment(index) == toy.oracle.moment(index - 1)
    }
    #expect(late.count > 5)
    for index in late {
      try await toy.place(at: index)
      try await toy.timeline.setBookmark("state-\(index)")
    }
    for index in late.reversed() {
      _ = try await toy.timeline.seek(.bookmark("state-\(index)"))
      try await toy.expect(at: index, memory: true)
      _ = try await toy.timeline.reverseStep()
      try await toy.expect(at: index - 1, memory: true)
    }
    await #expect(throws: TimelineError.nameTaken("state-\(late[0])")) {
      try await toy.timeline.setBookmark("state-\(late[0])")
    }
    await #expect(throws: TimelineError.invalidName("a b")) {
      try await toy.timeline.setBookmark("a b")
    }
    try await toy.timeline.deleteBookmark("state-\(late[0])")
    await #expect(throws: TimelineError.unknownName("state-\(late[0])")) {
      try await toy.timeline.seek(.bookmark("state-\(late[0])"))
    }
  }
}
