import TestWorlds
import Testing
import Varve

/// What the CPU itself stores when it takes interrupts and exceptions, which QEMU 7.2 can't watch.
@Suite("Interrupts and exceptions", .enabled(if: RecordedGuest.isPossible), .serialized)
struct EntryTests {
  /// Waits for a tick of the firmware's clock.
  private static let ticking = """
    again:
      movw $0x7000, %sp
      sti
      movw 0x46c, %bx
    tick:
      cmpw 0x46c, %bx
      je tick
      nop
    """

  /// What the CPU stores when it takes an interrupt is no instruction's doing.
  @Test func tellsWhatAnInterruptStored() async throws {
    let guest = try RecordedGuest(bootSector: Self.ticking)
    defer { withExtendedLifetime(guest) {} }
    var moment = Moment(0)
    try await guest.withEngine { engine in
      let timeline = try await Timeline(engine)
      let tick = VirtualAddress(0x7c11)
      let ticked = VirtualAddress(0x7c17)
      await timeline.setBreakpoint(ticked)
      moment = try await timeline.run().moment
      // IP, CS and FLAGS.
      let frame = MemoryRange(.virtual(VirtualAddress(0x6ffa)), count: 6)
      let found = try await timeline.lastWrite(to: frame)
      guard case .store(let record, _) = found.finding else {
        Issue.record("\(found)")
        return
      }
      #expect(record.isEntry)
      #expect(record.moment < moment)
      let counter = record.programCounter
      #expect((tick.rawValue..<ticked.rawValue).contains(counter.rawValue))
      let after = try #require(record.after)
      #expect(UInt64(after[0]) | UInt64(after[1]) << 8 == counter.rawValue)
      #expect(after[2...3] == [0, 0])
      _ = try await timeline.seek(.moment(record.moment))
      #expect(try await timeline.memory(frame) == record.before)
    }
    let replay = try guest.varve(
      "replay", guest.path, "-e", "seek \(moment)", "-e", "last-write 0x6ffa,6")
    #expect(replay.status == 0)
    #expect(replay.text.contains(", as the CPU took an interrupt or exception at 0x7c1"))
  }

  private static let frame = MemoryRange(.virtual(VirtualAddress(0x6ffa)), count: 6)

  /// Has the CPU take an exception twenty times, by `cause`.
  private static func excepting(by cause: String) -> String {
    """
    again:
      movw $0x7000, %sp
      movw $handler, 0
      movw $0, 2
      movw $20, %cx
    repeat:
      xorw %bx, %bx
    cause:
      \(cause)
      nop
      loop repeat
    """
  }

  /// Goes on two bytes behind where the exception came.
  private static let faultHandler = """
    handler:
      movw %sp, %bp
      addw $2, (%bp)
      iret
    """

  private static let trapHandler = """
    handler:
      iret
    """

  /// All stores to a stack's top, forwards and back, where exceptions store, too: a fault, which is counted before
  /// its instruction, and a trap, which is behind it.
  @Test(arguments: [("divw %bx", faultHandler, 2), ("int $0", trapHandler, 1)])
  func findsWhatExceptionsStored(_ cause: String, _ handler: String, _ stores: Int) async throws {
    let guest = try RecordedGuest(bootSector: Self.excepting(by: cause), handler)
    defer { withExtendedLifetime(guest) {} }
    try await guest.withEngine { engine in
      let timeline = try await Timeline(engine)
      let begin = VirtualAddress(0x7c00)
      await timeline.setBreakpoint(begin)
      let start = try await timeline.run().moment
      await timeline.removeBreakpoint(begin)
      // One loop of the twenty, as a replay without watchpoints has it.
      let causeAddress = VirtualAddress(0x7c1d)
      await timeline.setBreakpoint(causeAddress)
      let first = try await timeline.run().moment
      _ = try await timeline.step()
      let entered = await timeline.registers.programCounter
      await timeline.removeBreakpoint(causeAddress)
      let written = Watchpoint(Self.frame, access: .write)
      await timeline.setWatchpoint(written)
      let length = UInt64(stores == 2 ? 6 : 5)
      let end = start.later(by: 12 + 20 * length)
      let found = try await timeline.occurrences(in: start...end).occurrences
      #expect(found.count == 20 * stores)
      #expect(found.count { $0.programCounter == entered } == 20)
      let frames = found.filter { $0.programCounter == entered }.map(\.moment)
      let behind = first.later(by: stores == 2 ? 0 : 1)
      #expect(frames == (0..<20).map { behind.later(by: $0 * length) })

      _ = try await timeline.seek(.moment(end))
      for index in (0..<stores).reversed() {
        let stop = try await timeline.reverseRun()
        #expect(stop.reason == .watchpoint(written))
        #expect(await (timeline.registers.programCounter == causeAddress) == (index == 0))
      }
      #expect(await timeline.position == first.later(by: 19 * length))
      #expect(try await timeline.step().reason == .watchpoint(written))
      #expect(await timeline.registers.programCounter == entered)
    }
  }
}
