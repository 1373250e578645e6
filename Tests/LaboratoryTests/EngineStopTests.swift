import Foundation
import TestWorlds
import Testing
import Varve

/// Where a real QEMU stops otherwise than one expects.
@Suite("Stops of QEMU", .enabled(if: RecordedGuest.isPossible), .serialized)
struct EngineStopTests {
  /// A word of the stack that is written four times before long, where to watch it from, and where the machine is
  /// after each of them.
  private func busyWord(
    _ engine: QEMUEngine
  ) async throws -> (watchpoint: Watchpoint, start: Moment, hits: [Moment]) {
    let end = try await engine.recordedRange().upperBound
    for share in [80, 85, 90, 93, 96, 98] as [UInt64] {
      try await engine.setStops(.none)
      let start = Moment(end.rawValue / 100 * share)
      #expect(try await engine.run(to: start) == .reached)
      let top = VirtualAddress(try await engine.registers().stackPointer.rawValue &- 8)
      let watchpoint = Watchpoint(MemoryRange(.virtual(top), count: 8), access: .write)
      try await engine.setStops(StopSet(watchpoints: [watchpoint]))
      var hits: [Moment] = []
      let end = start.later(by: 1_000_000)
      while hits.count < 4, try await engine.position() < end {
        if try await engine.run(to: end) == .watchpoint(watchpoint) {
          hits.append(try await engine.position())
        }
      }
      try await engine.setStops(.none)
      if hits.count == 4 { return (watchpoint, start, hits) }
    }
    throw ToolFailure(description: "no word of the stack is written often enough")
  }

  /// QEMU 7.2 says nothing of an access that falls together with the count to stop at, and aborts at the next one.
  @Test func seesAnAccessThatFallsTogetherWithTheLimit() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in try await self.seesHiddenAccesses(engine) }
  }

  private func seesHiddenAccesses(_ engine: QEMUEngine) async throws {
    let word = try await busyWord(engine)
    try await engine.rewind()
    #expect(try await engine.run(to: word.start) == .reached)
    try await engine.setStops(StopSet(watchpoints: [word.watchpoint]))
    for hit in word.hits {
      // On the way it may stop for what was stored near.
      while try await engine.position() < hit.earlier(by: 1) {
        let stop = try await engine.run(to: hit.earlier(by: 1))
        #expect(stop == .reached || stop == .elsewhere)
      }
      #expect(try await engine.run(to: hit) == .watchpoint(word.watchpoint))
      #expect(try await engine.position() == hit)
    }
  }

  /// A QEMU that doesn't come on restoring a state is ended, and another one goes on.
  @Test func givesAHangingQEMUUp() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in try await self.outlivesAHang(engine) }
  }

  private func outlivesAHang(_ engine: QEMUEngine) async throws {
    let timeline = try await Timeline(engine)
    let middle = Moment(await timeline.recorded.upperBound.rawValue / 2)
    #expect(try await timeline.seek(.moment(middle)).moment == middle)
    let registers = await timeline.registers
    _ = try await timeline.seek(.moment(middle.later(by: 1000)))
    let first = engine.processID
    kill(first, SIGSTOP)
    #expect(try await timeline.seek(.moment(middle)).moment == middle)
    #expect(await timeline.registers == registers)
    #expect(engine.processID != first)
  }

  /// QEMU 7.2 stops once more for a watchpoint that a single step has hit, without saying why.
  @Test func runsOnAfterAStepOntoAWatchpoint() async throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in try await self.runsOn(engine) }
  }

  private func runsOn(_ engine: QEMUEngine) async throws {
    let word = try await busyWord(engine)
    let watchpoint = word.watchpoint
    let after = word.hits[0]
    try await engine.rewind()
    #expect(try await engine.run(to: after.earlier(by: 1)) == .reached)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    #expect(try await engine.step() == .watchpoint(watchpoint))
    #expect(try await engine.position() == after)
    let registers = try await engine.registers()
    // The next one may store there, too.
    _ = try await engine.step()
    #expect(try await engine.registers() != registers)
    try await engine.setStops(.none)
    try await engine.rewind()
    #expect(try await engine.run(to: after.earlier(by: 1)) == .reached)
    try await engine.setStops(StopSet(watchpoints: [watchpoint]))
    #expect(try await engine.step() == .watchpoint(watchpoint))
    try await engine.setStops(.none)
    let later = after.later(by: 100)
    #expect(try await engine.run(to: later) == .reached)
    #expect(try await engine.position() == later)
  }

  /// Stores a thousand times behind a word, not aligned, and then to the word itself.
  private static let storing = """
      movw $1000, %cx
    behind:
      movl %ecx, 0x7e21
      loop behind
      movw %cx, 0x7e06
      nop
      nop
    again:
    """

  /// QEMU 7.2 takes stores for ones to watched memory before them in their page.
  @Test func passesStoresBehindAWatchedWord() async throws {
    let guest = try RecordedGuest(bootSector: Self.storing)
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in
      let end = try await engine.recordedRange().upperBound
      let begin = VirtualAddress(0x7c00)
      try await engine.setStops(StopSet(breakpoints: [begin]))
      #expect(try await engine.run(to: end) == .breakpoint(begin))
      let start = try await engine.position()
      let word = Watchpoint(MemoryRange(.virtual(VirtualAddress(0x7e00)), count: 8), access: .write)
      try await engine.setStops(StopSet(watchpoints: [word]))
      var passes = 0
      while try await engine.run(to: end) == .elsewhere { passes += 1 }
      #expect(passes == (engine.mayReportOtherStores ? 1000 / 64 : 0))
      // Five instructions, two thousand, and the store.
      #expect(try await engine.position() == start.later(by: 2006))
      let counter = try await engine.registers().programCounter
      #expect(
        try await engine.memory(MemoryRange(.virtual(counter), count: 2)) == [0x90, 0x90])
      // The last write to the word before that is one of the firmware's, or none.
      try await engine.setStops(.none)
      let timeline = try await Timeline(engine)
      _ = try await timeline.seek(.moment(start.later(by: 2007)))
      let found = try await timeline.lastWrite(to: word.range)
      #expect(found.record?.moment == start.later(by: 2005))
      _ = try await timeline.seek(.moment(start.later(by: 2005)))
      let earlier = try await timeline.lastWrite(to: word.range)
      #expect(earlier.record.map { $0.moment < start } ?? true)
    }
  }

  /// Stores what is there already, and then behind it.
  private static let exchanging = """
    again:
      movw $5, 0x7e00
      movw $5, %ax
      movw %ax, %dx
      cmpxchgw %dx, 0x7e00
      movl %ecx, 0x7e09
      nop
      nop
    """

  /// Of two reported stores that changed nothing, one is one.
  @Test func tellsAnExchangeFromAStoreBehind() async throws {
    let guest = try RecordedGuest(bootSector: Self.exchanging)
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in
      let timeline = try await Timeline(engine)
      let begin = VirtualAddress(0x7c00)
      await timeline.setBreakpoint(begin)
      let start = try await timeline.run().moment
      await timeline.removeBreakpoint(begin)
      _ = try await timeline.seek(.moment(start.later(by: 10)))
      let word = MemoryRange(.virtual(VirtualAddress(0x7e00)), count: 8)
      let found = try await timeline.lastWrite(to: word)
      guard case .store(let record, _) = found.finding else {
        Issue.record("\(found)")
        return
      }
      #expect(record.moment == start.later(by: 7))
      #expect(record.before == record.after)
    }
  }

  /// Waits by PAUSE and HLT, twenty times.
  private static let waiting = """
    again:
      movw $20, %cx
    wait:
      pause
      nop
      sti
      hlt
      loop wait
    """

  /// Steps stop behind instructions after which QEMU looks for other work, too.
  @Test func stepsOverInstructionsThatWait() async throws {
    let guest = try RecordedGuest(bootSector: Self.waiting)
    // The directory goes with the guest.
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in
      let end = try await engine.recordedRange().upperBound
      let wait = VirtualAddress(0x7c0c)
      try await engine.setStops(StopSet(breakpoints: [wait]))
      #expect(try await engine.run(to: end) == .breakpoint(wait))
      try await engine.setStops(.none)
      let start = try await engine.position()
      var stepped: [EngineRegisters] = []
      for index in 1...4 as ClosedRange<UInt64> {
        #expect(try await engine.step() == .reached)
        #expect(try await engine.position() == start.later(by: index))
        stepped.append(try await engine.registers())
      }
      // PAUSE, NOP, STI, HLT; then it waits.
      #expect(stepped.map(\.programCounter.rawValue) == [0x7c0e, 0x7c0f, 0x7c10, 0x7c11])
      #expect(try await engine.step() == .reached)
      #expect(try await engine.registers().programCounter != VirtualAddress(0x7c11))
      // The same states at these counts, from far and from near.
      for (index, registers) in stepped.enumerated().reversed() {
        try await engine.rewind()
        #expect(try await engine.run(to: start.later(by: UInt64(index + 1))) == .reached)
        #expect(try await engine.registers() == registers)
        try await engine.rewind()
        #expect(try await engine.run(to: start.later(by: UInt64(index))) == .reached)
        #expect(try await engine.run(to: start.later(by: UInt64(index + 1))) == .reached)
        #expect(try await engine.registers() == registers)
      }
    }
  }

  /// Adds with an overflow, and leaves undefined what OF is by then.
  private static let undefined = """
    again:
      movw $0x7fff, %ax
      addw $1, %ax
      btw $0, %ax
      movw %ax, 0x7e00
      nop
      nop
    """

  /// Flags that instructions leave undefined are others in steps than in a run.
  @Test func goesBackWhereFlagsAreUndefined() async throws {
    let guest = try RecordedGuest(bootSector: Self.undefined)
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in
      let timeline = try await Timeline(engine)
      let end = await timeline.recorded.upperBound
      let begin = VirtualAddress(0x7c00)
      await timeline.setBreakpoint(begin)
      let start = try await timeline.run().moment
      await timeline.removeBreakpoint(begin)
      let word = Watchpoint(MemoryRange(.virtual(VirtualAddress(0x7e00)), count: 2), access: .write)
      // Five instructions come before the addition.
      let after = start.later(by: 8)
      try await engine.setStops(StopSet(watchpoints: [word]))
      try await engine.rewind()
      while try await engine.position() < after { _ = try await engine.run(to: end) }
      let ran = try await engine.registers()
      #expect(try await engine.position() == after)
      try await engine.setStops(.none)
      try await engine.rewind()
      #expect(try await engine.run(to: after.earlier(by: 4)) == .reached)
      for _ in 0..<4 { #expect(try await engine.step() == .reached) }
      let stepped = try await engine.registers()
      #expect(stepped == ran)
      let version = try Recording(guest.path).description.engine.version
      if version.hasPrefix("7.2.") { #expect(stepped.bytes != ran.bytes) }

      _ = try await timeline.seek(.moment(after.later(by: 2)))
      await timeline.setWatchpoint(word)
      let stop = try await timeline.reverseRun()
      #expect(stop.reason == .watchpoint(word))
      #expect(stop.moment == after.earlier(by: 1))
    }
  }
}
