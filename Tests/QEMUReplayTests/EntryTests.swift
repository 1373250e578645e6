import Bytes
import GDBRemote
import TestWorlds
import Testing
import TimeTravel

@testable import QEMUReplay

/// When interrupts and exceptions come, and what x86 stores then.
struct EntryTests {
  private func log(_ form: ReplayLogAssembler.Form) -> [UInt8] {
    var log = ReplayLogAssembler(form)
    log.checkpoint()
    log.exception()
    log.instructions(1000)
    log.interrupt()
    log.characters("ls\n")
    log.instructions(234)
    log.exception()
    log.exception()
    log.instructions(1)
    log.end()
    return log.bytes
  }

  @Test(arguments: [ReplayLogAssembler.Form.v5point2, .v7point1, .v7point2])
  func comeFromTheLog(_ form: ReplayLogAssembler.Form) throws {
    let bytes = ByteView(copying: log(form))
    let entries = try ReplayLog(bytes, path: "log.bin", release: nil).entries(bytes)
    #expect(entries.interrupts == [1000])
    #expect(entries.exceptions == [0, 1234, 1234])
  }

  @Test func stepsThatMayTakeThem() {
    let entries = EntryMoments(interrupts: [0, 10, 20], exceptions: [0, 16, 17, .max])
    let next = (0...20).map { entries.nextStep(from: $0) }
    #expect(
      next == [0] + Array(repeating: 10, count: 10) + [15, 15, 15, 15, 15, 16, 17, 20, 20, 20])
    #expect(entries.nextStep(from: 21) == UInt64.max - 1)
    #expect(entries.nextStep(from: .max) == UInt64.max)
    #expect(EntryMoments().nextStep(from: 0) == nil)
    #expect((0...20).filter { entries.hasInterrupt(at: $0) } == [0, 10, 20])
    #expect((0...20).filter { entries.hasException(at: $0) } == [0, 16, 17])
  }

  private func registers(
    _ pointer: UInt64, _ selector: UInt64, control: UInt64, efer: UInt64
  ) -> RegisterValues {
    var values = RegisterValues(.x86_64())
    for (name, value) in [
      ("rsp", pointer), ("ss", selector), ("cr0", control), ("efer", efer),
    ] {
      let number = values.description.number(of: name)!
      let size = values.description.offsets[number + 1] - values.description.offsets[number]
      values[number] = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
    return values
  }

  /// Intel SDM, volume 3A, 6.12.1 (protected mode), 6.14.2 (64-bit mode); volume 3B, 21.1.4 (real mode).
  @Test(
    arguments: [
      // 64-bit mode: the stack is aligned first; with an error code, without, and on another stack.
      (0x8000_0000_0001, 0xd01, 0xffff_8000_0000_1008, 0xffff_8000_0000_0fd8, 40),
      (0x8000_0000_0001, 0xd01, 0xffff_8000_0000_1000, 0xffff_8000_0000_0fd0, 48),
      (0x8000_0000_0001, 0xd01, 0x7fff_ffff_e008, 0xffff_fe00_0000_3fd8, 40),
      // Protected mode: three words, four, and with another stack's.
      (0x1, 0, 0x9000, 0x8ff4, 12), (0x1, 0, 0x9000, 0x8ff0, 16),
      (0x11, 0, 0xbfff_0000, 0x8fe8, 24),
    ] as [(UInt64, UInt64, UInt64, UInt64, UInt64)])
  func framesAreWhereTheStackPointerIs(
    control: UInt64, efer: UInt64, old: UInt64, new: UInt64, count: UInt64
  ) {
    let frame = EntryFrame().range(
      registers(old, 0x10, control: control, efer: efer),
      registers(new, 0x18, control: control, efer: efer))
    #expect(frame == MemoryRange(.virtual(VirtualAddress(new)), count: count))
  }

  @Test func realModeHasSegments() {
    let before = registers(0x100, 0x9000, control: 0x10, efer: 0)
    let after = registers(0xfa, 0x9000, control: 0x10, efer: 0)
    #expect(
      EntryFrame().range(before, after) == MemoryRange(.virtual(VirtualAddress(0x900fa)), count: 6))
    // Nothing was pushed: none was taken.
    #expect(EntryFrame().range(before, before) == nil)
  }

  @Test func rangesOverlap() {
    func range(_ start: UInt64, _ count: UInt64) -> MemoryRange {
      MemoryRange(.virtual(VirtualAddress(start)), count: count)
    }
    #expect(range(8, 8).overlaps(range(15, 1)))
    #expect(range(15, 1).overlaps(range(8, 8)))
    #expect(!range(8, 8).overlaps(range(16, 1)))
    #expect(!range(16, 1).overlaps(range(8, 8)))
    #expect(!range(8, 8).overlaps(range(9, 0)))
    #expect(range(.max, 1).overlaps(range(.max - 3, 8)))
    #expect(!range(8, 8).overlaps(MemoryRange(.physical(PhysicalAddress(8)), count: 8)))
  }
}
