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
