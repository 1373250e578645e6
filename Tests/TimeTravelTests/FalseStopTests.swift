import Bytes
import Testing
import TimeTravel

/// An engine that reports watchpoints for stores elsewhere: going backwards nobody notices.
struct FalseStopTests {
  @Test(arguments: 0..<12 as Range<UInt64>)
  func `Only stores to the watched memory are stopped at`(seed: UInt64) async throws {
    let toy = try await ToyTimeline(.random(seed: seed, length: 300), reportsOtherStores: true)
    let address = VirtualAddress(seed % 8)
    let written = Watchpoint(MemoryRange(.virtual(address), count: 1), access: .write)
    let stops = StopSet(watchpoints: [written])
    var index = toy.oracle.last
    try await toy.place(at: index)
    await toy.arm(stops)
    for _ in 0..<40 {
      let truth = toy.oracle.reverseRun(from: index, stops)
      try await toy.expect(
        try await toy.timeline.reverseRun(), truth, otherwise: (0, .beginning))
      // Not what the question left behind.
      if let truth { try await toy.expect(at: truth.index, memory: true) }
      index = truth?.index ?? 0
    }
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func `The last write is one`(seed: UInt64) async throws {
    let toy = try await ToyTimeline(.random(seed: seed, length: 300), reportsOtherStores: true)
    for address in 0..<12 as Range<UInt64> {
      let range = MemoryRange(.virtual(VirtualAddress(address)), count: 1)
      let last = (0..<toy.oracle.last).last { index in
        toy.oracle.states[index].accesses.contains { $0.isWrite && $0.address == address }
      }
      try await toy.place(at: toy.oracle.last)
      let found = try await toy.timeline.lastWrite(to: range)
      guard let last else {
        #expect(found.finding == .nothing)
        continue
      }
      let machine = toy.oracle.states[last].machine
      #expect(found.record?.moment == Moment(machine.count))
      #expect(found.record?.registers == machine.registers)
    }
  }
}
