import Bytes
import Testing
import TimeTravel

struct ConditionTests {
  /// A condition on register 0 and on memory, and the same for the oracle's states.
  private static let isWanted: @Sendable ([UInt8], [UInt8]) -> Bool = { registers, memory in
    (registers[2] ^ memory[0]) % 4 == 1
  }

  private static var condition: StopCondition {
    StopCondition(key: Array("r0".utf8)) { context throws(EngineError) in
      let memory = try await context.memory(MemoryRange(.virtual(VirtualAddress(3)), count: 1))
      return isWanted(context.registers.bytes, memory)
    }
  }

  @Test(arguments: 1...12)
  func `Conditions decide in both directions`(seed: UInt64) async throws {
    let program = ToyProgram.random(seed: seed, length: 300)
    let toy = try await ToyTimeline(program)
    let breakpoint = ToyMachine.address(2)
    let watched = Watchpoint(MemoryRange(.virtual(VirtualAddress(4)), count: 4), access: .write)
    let stops = StopSet(breakpoints: [breakpoint], watchpoints: [watched])
    let holds: (Int) -> Bool = { index in
      let machine = toy.oracle.states[index].machine
      return Self.isWanted(machine.registers.bytes, [machine.memory[3]])
    }
    var generator = Generator(seed)
    for _ in 0..<30 {
      let index = Int.random(in: 0...toy.oracle.last, using: &generator)
      await toy.timeline.removeAllStops()
      try await toy.place(at: index)
      await toy.timeline.setBreakpoint(breakpoint, condition: Self.condition)
      await toy.timeline.setWatchpoint(watched, condition: Self.condition)
      let isBack = Bool.random(using: &generator)
      if isBack {
        let stop = try await toy.timeline.reverseRun()
        try await toy.expect(
          stop, toy.oracle.reverseRun(from: index, stops, where: holds), otherwise: (0, .beginning))
      } else {
        let stop = try await toy.timeline.run()
        try await toy.expect(
          stop, toy.oracle.run(from: index, stops, where: holds),
          otherwise: (toy.oracle.last, .end))
      }
    }
  }

  /// Watchpoints of which single instructions access several, some with conditions.
  @Test(arguments: 1...8)
  func `Each watchpoint's condition counts where several are accessed`(seed: UInt64) async throws {
    let program = ToyProgram.random(seed: seed, length: 300)
    let toy = try await ToyTimeline(program)
    var generator = Generator(seed &* 5)
    func watch(_ start: UInt64, _ count: UInt64, _ access: WatchedAccess) -> Watchpoint {
      Watchpoint(MemoryRange(.virtual(VirtualAddress(start)), count: count), access: access)
    }
    let never = [watch(0, 12, .readOrWrite), watch(0, 6, .write)]
    let sometimes = [watch(3, 3, .write), watch(4, 4, .readOrWrite)]
    let always = seed % 2 == 0 ? [watch(5, 1, .write), watch(5, 1, .readOrWrite)] : []
    let breakpoint = ToyMachine.address(2)
    func arm() async {
      for point in never {
        await toy.timeline.setWatchpoint(
          point, condition: StopCondition(key: [0]) { _ in false })
      }
      for point in sometimes {
        await toy.timeline.setWatchpoint(point, condition: Self.condition)
      }
      for point in always { await toy.timeline.setWatchpoint(point) }
      if seed % 3 == 0 { await toy.timeline.setBreakpoint(breakpoint) }
    }
    /// Why a run stops at the state `index`, if it does.
    func reasons(_ index: Int) -> Set<TimelineStop.Reason> {
      var reasons: Set<TimelineStop.Reason> = []
      let machine = toy.oracle.states[index].machine
      if index > 0 {
        let holds = Self.isWanted(machine.registers.bytes, [machine.memory[3]])
        let stops = StopSet(watchpoints: Set(always + (holds ? sometimes : [])))
        for point in toy.oracle.access(index - 1, stops) { reasons.insert(.watchpoint(point)) }
      }
      if reasons.isEmpty, seed % 3 == 0, toy.oracle.address(index) == breakpoint {
        reasons.insert(.breakpoint(breakpoint))
      }
      return reasons
    }
    for _ in 0..<12 {
      let index = Int.random(in: 0...toy.oracle.last, using: &generator)
      await toy.timeline.removeAllStops()
      try await toy.place(at: index)
      await arm()
      let next = (index + 1..<toy.oracle.last + 1).first { !reasons($0).isEmpty }
      let forth = try await toy.timeline.run()
      try await toy.expect(
        forth, next.map { ($0, reasons($0)) }, otherwise: (toy.oracle.last, .end))
      await toy.timeline.removeAllStops()
      try await toy.place(at: index)
      await arm()
      // Going back, an access stops before it, and a breakpoint where it is.
      var truth: (index: Int, reasons: Set<TimelineStop.Reason>)?
      for earlier in stride(from: index - 1, through: 0, by: -1) where truth == nil {
        let accesses = reasons(earlier + 1).filter {
          if case .watchpoint = $0 { true } else { false }
        }
        let here = seed % 3 == 0 && toy.oracle.address(earlier) == breakpoint
        if !accesses.isEmpty {
          truth = (earlier, accesses)
        } else if here {
          truth = (earlier, [.breakpoint(breakpoint)])
        }
      }
      let back = try await toy.timeline.reverseRun()
      try await toy.expect(back, truth, otherwise: (0, .beginning))
    }
    await arm()
    let all = try await toy.timeline.occurrences()
    let truth = (1...toy.oracle.last).filter { !reasons($0).isEmpty }
    #expect(all.occurrences.map(\.moment) == truth.map { toy.oracle.moment($0) })
    #expect(all.occurrences.map(\.programCounter) == truth.map { toy.oracle.address($0) })
    guard truth.count > 3 else { return }
    let some = try await toy.timeline.occurrences(limit: 3)
    #expect(!some.isComplete)
    #expect(some.occurrences.map(\.moment) == truth.prefix(3).map { toy.oracle.moment($0) })
  }

  @Test func `What can't be evaluated stops`() async throws {
    let toy = try await ToyTimeline(.random(seed: 1, length: 300))
    let nowhere = MemoryRange(.virtual(VirtualAddress(0x9999)), count: 8)
    await toy.timeline.setBreakpoint(
      ToyMachine.address(2),
      condition: StopCondition(key: [1]) { context throws(EngineError) in
        try await context.memory(nowhere).isEmpty
      })
    let stop = try await toy.timeline.run()
    let truth = toy.oracle.run(from: 0, StopSet(breakpoints: [ToyMachine.address(2)]))
    try await toy.expect(stop, truth, otherwise: (toy.oracle.last, .end))
  }
}
