import Bytes
import Testing
import TimeTravel

/// The timeline against brute force: an oracle that executed the recording once and knows every state.
struct ComparisonTests {
  @Test(arguments: 1...20)
  func `Every state's predecessor and successor`(seed: UInt64) async throws {
    let toy = try await ToyTimeline(.random(seed: seed, length: 150))
    for index in 0...toy.oracle.last {
      try await toy.place(at: index)
      try await toy.expect(at: index)
      let back = try await toy.timeline.reverseStep()
      #expect(back.reason == (index == 0 ? .beginning : .done))
      try await toy.expect(at: max(index - 1, 0))
      if index > 0 { _ = try await toy.timeline.step() }
      let forth = try await toy.timeline.step()
      #expect(forth.reason == (index == toy.oracle.last ? .end : .done))
      try await toy.expect(at: min(index + 1, toy.oracle.last), memory: index % 16 == 3)
    }
  }

  @Test(arguments: 1...30)
  func `Every state's next and previous stop`(seed: UInt64) async throws {
    let program = ToyProgram.random(seed: seed, length: 150, start: seed % 3 == 0 ? 7 : 0)
    let toy = try await ToyTimeline(program)
    var generator = Generator(seed)
    let stops = StopSet.random(program, &generator)
    await toy.arm(stops)
    for index in (0...toy.oracle.last).shuffled(using: &generator) {
      await toy.timeline.removeAllStops()
      try await toy.place(at: index)
      await toy.arm(stops)
      let back = try await toy.timeline.reverseRun()
      try await toy.expect(
        back, toy.oracle.reverseRun(from: index, stops), otherwise: (0, .beginning))
      await toy.timeline.removeAllStops()
      try await toy.place(at: index)
      await toy.arm(stops)
      let forth = try await toy.timeline.run()
      try await toy.expect(
        forth, toy.oracle.run(from: index, stops), otherwise: (toy.oracle.last, .end))
    }
  }

  @Test(arguments: 1...40)
  func `Random walks`(seed: UInt64) async throws {
    var generator = Generator(seed &* 77)
    let program = ToyProgram.random(seed: seed, length: 600)
    let toy = try await ToyTimeline(program)
    var index = 0
    var stops = StopSet.none
    for _ in 0..<150 {
      switch Int.random(in: 0..<10, using: &generator) {
      case 0:
        let moment = Moment(UInt64.random(in: 0...program.length, using: &generator))
        #expect(try await toy.timeline.seek(.moment(moment)) == TimelineStop(.done, at: moment))
        index = try #require(toy.oracle.first(of: moment))
      case 1:
        stops = .random(program, &generator)
        await toy.arm(stops)
      case 2, 3:
        let truth = toy.oracle.access(index, stops)
        let stop = try await toy.timeline.step()
        if index < toy.oracle.last {
          let reasons: Set<TimelineStop.Reason> =
            truth.isEmpty ? [.done] : Set(truth.map { .watchpoint($0) })
          #expect(reasons.contains(stop.reason))
          index += 1
        } else {
          #expect(stop.reason == .end)
        }
      case 4, 5:
        let stop = try await toy.timeline.reverseStep()
        if index > 0 {
          let truth = toy.oracle.access(index - 1, stops)
          let reasons: Set<TimelineStop.Reason> =
            truth.isEmpty ? [.done] : Set(truth.map { .watchpoint($0) })
          #expect(reasons.contains(stop.reason))
          index -= 1
        } else {
          #expect(stop.reason == .beginning)
        }
      case 6, 7:
        let truth = toy.oracle.reverseRun(from: index, stops)
        let stop = try await toy.timeline.reverseRun()
        try await toy.expect(stop, truth, otherwise: (0, .beginning))
        index = truth?.index ?? 0
      case 8:
        let truth = toy.oracle.run(from: index, stops)
        let stop = try await toy.timeline.run()
        try await toy.expect(stop, truth, otherwise: (toy.oracle.last, .end))
        index = truth?.index ?? toy.oracle.last
      default:
        try await toy.expect(at: index, memory: true)
      }
      try await toy.expect(at: index)
    }
  }

  @Test(arguments: 1...10)
  func `Last writes to every byte`(seed: UInt64) async throws {
    let program = ToyProgram.random(seed: seed, length: 400)
    let toy = try await ToyTimeline(program)
    var generator = Generator(seed)
    for _ in 0..<40 {
      let index = Int.random(in: 0...toy.oracle.last, using: &generator)
      try await toy.place(at: index)
      let address = UInt64.random(in: 0..<256, using: &generator)
      let range = MemoryRange(
        .virtual(VirtualAddress(address)),
        count: min(UInt64.random(in: 1...4, using: &generator), 256 - address))
      let truth = toy.oracle.reverseRun(
        from: index, StopSet(watchpoints: [Watchpoint(range, access: .write)]))
      let result = try await toy.timeline.lastWrite(to: range)
      try await toy.expect(at: index)
      guard let truth else {
        #expect(result.finding == .nothing)
        continue
      }
      let bytes = Int(address)..<Int(address + range.count)
      guard case .store(let found, through: .init(address)) = result.finding else {
        Issue.record("\(result)")
        continue
      }
      #expect(found.moment == toy.oracle.moment(truth.index))
      #expect(found.programCounter == toy.oracle.address(truth.index))
      #expect(found.registers == toy.oracle.states[truth.index].machine.registers)
      #expect(found.before == Array(toy.oracle.states[truth.index].machine.memory[bytes]))
      #expect(found.after == Array(toy.oracle.states[truth.index + 1].machine.memory[bytes]))
      try await toy.expect(at: index, memory: true)
    }
  }

  @Test(arguments: 1...10)
  func `All occurrences`(seed: UInt64) async throws {
    let program = ToyProgram.random(seed: seed, length: 500)
    let toy = try await ToyTimeline(program)
    var generator = Generator(seed)
    let stops = StopSet.random(program, &generator)
    await toy.arm(stops)
    let truth = toy.oracle.stops(stops)
    let all = try await toy.timeline.occurrences()
    #expect(all.isComplete)
    #expect(all.occurrences.map(\.moment) == truth.map { toy.oracle.moment($0) })
    #expect(all.occurrences.map(\.programCounter) == truth.map { toy.oracle.address($0) })
    try await toy.expect(at: 0)
    guard truth.count > 2 else { return }
    let some = try await toy.timeline.occurrences(limit: 2)
    #expect(some.occurrences == Array(all.occurrences.prefix(2)))
    #expect(!some.isComplete)
  }
}
