import Bytes
import HostSystem
import MachineDumps
import ObjectFiles
import Targets
import TestWorlds
import Testing

private func page(_ value: UInt8, count: Int = 4096) -> [UInt8] {
  [UInt8](repeating: value, count: count)
}

private func open(_ bytes: [UInt8]) throws -> MachineDump {
  let directory = try ScratchDirectory()
  return try MachineDump(opening: directory.write(bytes, to: "dump"))
}

private func physical(_ address: UInt64) -> PhysicalAddress { PhysicalAddress(address) }

/// A "QEMU" note's descriptor in which every field has a value of its own.
func qemuNote(seed: UInt64, version: UInt32 = 1) -> [UInt8] {
  var bytes = little(version) + little(UInt32(440))
  for index in 0..<18 { bytes += little(seed + UInt64(index)) }
  for index in 0..<10 {
    let value = UInt32(seed) + 100 + UInt32(index)
    bytes += little(value) + little(value + 10) + little(value + 20) + little(UInt32(0))
    bytes += little(seed + 200 + UInt64(index))
  }
  for index in 0..<5 { bytes += little(seed + 300 + UInt64(index)) }
  return bytes + little(seed + 400)
}

@Suite struct ELFDumpReadingTests {
  @Test func memoryIsWhereItWasPhysically() throws {
    var core = VMCoreAssembler()
    core.note("VMCOREINFO", type: 0, Array("OSRELEASE=6.1\n".utf8))
    core.loads = [
      .init(physical: 0x1_0000_0000, bytes: page(3)),
      .init(physical: 0, bytes: page(1)),
      .init(physical: 0x1000, virtual: 0x1000, bytes: page(2)),
    ]
    let dump = try open(core.bytes)
    let machine = dump.machine
    #expect(dump.format == .elf)
    #expect(machine.map.map(\.start) == [physical(0), physical(0x1000), physical(0x1_0000_0000)])
    #expect(machine.map.allSatisfy { $0.count == 4096 && $0.kind == .ram })
    #expect(try machine.memory.read(physical(0xfff), count: 2).copy() == [1, 2])
    #expect(try machine.memory.read(physical(0x1_0000_0fff), count: 1).copy() == [3])
    #expect(machine.vmcoreInfo.map(String.init(decoding:)) == "OSRELEASE=6.1\n")
    #expect(machine.cpus.isEmpty)
    #expect(machine.diagnostics == [])
    #expect(throws: PhysicalFault(address: physical(0x2000), reason: .unmapped)) {
      try machine.memory.read(physical(0x1fff), count: 2)
    }
  }

  @Test func whatTheFileLacksIsAbsentWithItsReason() throws {
    var core = VMCoreAssembler()
    core.note("QEMU", type: 0, qemuNote(seed: 1))
    core.loads = [
      .init(physical: 0, bytes: page(1), memorySize: 0x3000),
      .init(physical: 0x10000, bytes: page(2, count: 8192)),
    ]
    let dump = try open(Array(core.bytes.dropLast(4096)))
    let memory = dump.machine.memory
    #expect(try memory.read(physical(0x10fff), count: 1).copy() == [2])
    #expect(throws: PhysicalFault(address: physical(0x1000), reason: .excluded)) {
      try memory.read(physical(0x1000), count: 1)
    }
    #expect(throws: PhysicalFault(address: physical(0x11000), reason: .truncated)) {
      try memory.read(physical(0x11000), count: 1)
    }
    #expect(dump.machine.map.map(\.count) == [0x3000, 0x2000])
    #expect(dump.machine.diagnostics == ["the file ends early: 4096 bytes of memory are missing"])
  }

  @Test func noMoreCPUsAreReadThanThereCanBe() throws {
    var core = VMCoreAssembler()
    core.note("QEMU", type: 0, qemuNote(seed: 1))
    core.notes = Array(repeatElement(core.notes, count: 8193).joined())
    core.loads = [.init(physical: 0, bytes: page(1))]
    let machine = try open(core.bytes).machine
    #expect(machine.cpus.count == 8192)
    #expect(machine.diagnostics == ["notes of 8193 CPUs; only 8192 are read"])
  }

  /// As /proc/vmcore has it: the kernel's text is also part of the direct mapping, and a part that is
  /// missing in one place is there in another.
  @Test func memoryThatIsDescribedTwiceIsSeenOnce() throws {
    var core = VMCoreAssembler()
    core.note("VMCOREINFO", type: 0, [0x41])
    core.loads = [
      .init(physical: 0x100000, virtual: 0xffff_ffff_8100_0000, bytes: page(7)),
      .init(physical: 0, virtual: 0xffff_8880_0000_0000, bytes: page(5), memorySize: 0x10_2000),
      .init(physical: 0x101000, virtual: 0xffff_8880_0010_1000, bytes: page(6)),
    ]
    let memory = try open(core.bytes).machine
    #expect(memory.map.map(\.start) == [physical(0)])
    #expect(memory.map.map(\.count) == [0x10_2000])
    #expect(try memory.memory.read(physical(0x100fff), count: 2).copy() == [7, 6])
    #expect(throws: PhysicalFault(address: physical(0x1000), reason: .excluded)) {
      try memory.memory.read(physical(0x1000), count: 1)
    }
  }

  @Test func notesOfQEMUGiveAllRegisters() throws {
    var core = VMCoreAssembler()
    for _ in 0..<2 { core.note("CORE", type: 1, [UInt8](repeating: 0, count: 336)) }
    core.note("QEMU", type: 0, qemuNote(seed: 1000))
    core.note("QEMU", type: 0, qemuNote(seed: 2000))
    core.loads = [.init(physical: 0, bytes: page(1))]
    let cpus = try open(core.bytes).machine.cpus
    #expect(cpus.map(\.index) == [0, 1])
    #expect(cpus.allSatisfy { $0.freshness == .current && $0.isHalted == nil })
    let state = cpus[1].x86
    #expect(
      [X86CPUState.General.rax, .rbx, .rcx, .rdx, .rsi, .rdi, .rsp, .rbp, .r8, .r15].map {
        state[$0]
      }
        == [2000, 2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2015])
    #expect(state.rip == 2016)
    #expect(state.rflags == 2017)
    let order: [X86CPUState.SegmentRegister] = [
      .cs, .ds, .es, .fs, .gs, .ss, .ldt, .tr, .gdt, .idt,
    ]
    for (index, register) in order.enumerated() {
      #expect(
        state.segments[register]
          == X86Segment(
            selector: 2100 + UInt32(index), base: 2200 + UInt64(index),
            limit: 2110 + UInt32(index), flags: 2120 + UInt32(index)))
    }
    #expect([state.cr0, state.cr2, state.cr3, state.cr4] == [2300, 2302, 2303, 2304])
    #expect(state[.kernelGSBase] == 2400)
    #expect(state[.efer] == nil)
  }

  @Test func withoutQEMUsNotesControlRegistersAreUnknown() throws {
    var core = VMCoreAssembler()
    var status = [UInt8](repeating: 0, count: 112)
    for index in 0..<27 { status += little(UInt64(500 + index)) }
    core.note("CORE", type: 1, status + [UInt8](repeating: 0, count: 8))
    core.note("VMCOREINFO", type: 0, [0x41])
    core.loads = [.init(physical: 0, bytes: page(1))]
    let state = try #require(try open(core.bytes).machine.cpus.first).x86
    #expect(state[.r15] == 500)
    #expect(state[.rdi] == 514)
    #expect(state.rip == 516)
    #expect(state.rflags == 518)
    #expect(state[.rsp] == 519)
    #expect(state.segments.isEmpty)
    #expect(state.cr3 == nil)
    #expect(state.mode == nil)
  }

  @Test func guestsOutsideLongModeHave32BitDumps() throws {
    var core = VMCoreAssembler()
    core.is64Bit = false
    core.machine = 3
    var status = [UInt8](repeating: 0, count: 72)
    for index in 0..<17 { status += little(UInt32(700 + index)) }
    core.note("CORE", type: 1, status + [UInt8](repeating: 0, count: 4))
    core.loads = [
      .init(physical: 0, bytes: page(1)), .init(physical: 0xffff_f000, bytes: page(9)),
    ]
    var machine = try open(core.bytes).machine
    #expect(machine.map.map(\.start) == [physical(0), physical(0xffff_f000)])
    #expect(try machine.memory.read(physical(0xffff_ffff), count: 1).copy() == [9])
    let state = try #require(machine.cpus.first).x86
    #expect(state[.rbx] == 700)
    #expect(state[.rax] == 706)
    #expect(state.rip == 712)
    #expect(state.rflags == 714)
    #expect(state[.rsp] == 715)
    #expect(state[.r8] == nil)
    core.note("QEMU", type: 0, qemuNote(seed: 3000))
    machine = try open(core.bytes).machine
    #expect(machine.cpus.first?.x86.cr3 == 3303)
  }

  @Test func damagedNotesAreTold() throws {
    var core = VMCoreAssembler()
    core.note("CORE", type: 1, [UInt8](repeating: 0, count: 100))
    core.note("QEMU", type: 0, qemuNote(seed: 0, version: 2))
    core.loads = [.init(physical: 0, bytes: page(1))]
    let machine = try open(core.bytes).machine
    #expect(machine.cpus.map(\.x86) == [X86CPUState()])
    #expect(machine.diagnostics.count == 2)
  }

  @Test func otherFilesAreRefused() throws {
    var core = VMCoreAssembler()
    core.loads = [.init(physical: 0, virtual: 0x1000, bytes: page(1))]
    #expect(throws: MachineDumpError.self) { try open(core.bytes) }
    core.note("CORE", type: 6, little(UInt64(0)) + little(UInt64(0)))
    core.loads[0].physical = 0x1000
    #expect(throws: MachineDumpError.self) { try open(core.bytes) }
    #expect(throws: MachineDumpError.self) { try open([]) }
    #expect(throws: MachineDumpError.self) { try open(Array("not a dump".utf8)) }
    #expect(throws: MachineDumpError.self) { try open([0x7f, 0x45, 0x4c, 0x46, 1, 1]) }
    #expect(throws: MachineDumpError.self) { try MachineDump(opening: "/nonexistent/dump") }
    let named = MachineDumpError.unknownFormat(path: "x")
    #expect("\(named)".contains("x@0"))
  }

  @Test func everyCutOpensOrSaysWhy() throws {
    for is64Bit in [true, false] {
      var core = VMCoreAssembler()
      core.is64Bit = is64Bit
      core.note("CORE", type: 1, [UInt8](repeating: 0, count: is64Bit ? 336 : 144))
      core.note("QEMU", type: 0, qemuNote(seed: 1))
      core.loads = [.init(physical: 0x1000, bytes: page(1, count: 64))]
      let whole = core.bytes
      for count in 0...whole.count {
        do {
          let machine = try MachineDump(opening: cut(whole, count)).machine
          #expect(machine.map.first?.start == physical(0x1000))
          if count < whole.count { #expect(!machine.diagnostics.isEmpty, "\(count)") }
        } catch let error as MachineDumpError {
          #expect("\(error)".contains("cut"))
          #expect(count < whole.count)
        }
      }
    }
  }

  private let directory: ScratchDirectory
  init() throws { directory = try ScratchDirectory() }

  private func cut(_ bytes: [UInt8], _ count: Int) throws -> String {
    try directory.write(Array(bytes.prefix(count)), to: "cut")
  }

  @Test func headersThatLieDoNoHarm() throws {
    var core = VMCoreAssembler()
    core.note("QEMU", type: 0, qemuNote(seed: 1))
    core.loads = [
      .init(physical: .max - 10, bytes: page(1)),
      .init(physical: 0x1000, bytes: page(2), memorySize: .max),
      .init(physical: .max, bytes: page(3)),
      .init(physical: 0x5000, bytes: page(4), memorySize: 1),
    ]
    let machine = try open(core.bytes).machine
    #expect(try machine.memory.read(physical(0x5000), count: 1).copy() == [4])
    #expect(machine.diagnostics.filter { $0.contains("can't be") }.count == 3)
  }
}

@Suite struct FlattenedDumpTests {
  private func core() -> VMCoreAssembler {
    var core = VMCoreAssembler()
    core.note("QEMU", type: 0, qemuNote(seed: 77))
    core.loads = [.init(physical: 0x1000, bytes: page(1) + page(2))]
    return core
  }

  @Test func recordsInAnyOrderGiveTheDump() throws {
    for size in [100, 4096, 1 << 20] {
      let dump = try open(VMCoreAssembler.flattened(core().bytes, by: size))
      #expect(dump.format == .flattened)
      #expect(dump.machine.cpus.first?.x86.rip == 77 + 16)
      #expect(try dump.machine.memory.read(physical(0x1fff), count: 2).copy() == [1, 2])
      #expect(dump.machine.diagnostics == [])
    }
  }

  @Test func aCutIsTold() throws {
    // In one record, so that the beginning is there.
    let flat = VMCoreAssembler.flattened(core().bytes, by: 1 << 20)
    let machine = try open(Array(flat.dropLast(16 + 4096))).machine
    #expect(try machine.memory.read(physical(0x1000), count: 1).copy() == [1])
    #expect(throws: PhysicalFault(address: physical(0x2000), reason: .truncated)) {
      try machine.memory.read(physical(0x2000), count: 1)
    }
    #expect(machine.diagnostics.contains { $0.hasPrefix("the flattened dump ends early") })
  }

  @Test func impossibleRecordsAreRefused() throws {
    for (place, size) in [(Int64(-2), Int64(4)), (0, -1), (0, 0), (.max, .max)] {
      var flat = Array(VMCoreAssembler.flattened([], by: 1).prefix(4096))
      flat += little(place).reversed() + little(size).reversed()
      #expect(throws: MachineDumpError.self) { try open(flat) }
    }
  }
}
