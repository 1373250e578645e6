import Bytes
import MachineDumps
import Targets
import Testing

@testable import ObjectFiles

@Suite struct MachineNotesTests {
  private func notes(_ cpus: [VCPU], vmcoreInfo: [UInt8]? = nil) throws -> (
    MachineNotes, [ELFNote]
  ) {
    let notes = MachineNotes(
      SyntheticMachine.machine(cpus: cpus), vmcoreInfo: vmcoreInfo)
    var reader = ELFNoteReader(
      ByteView(copying: notes.bytes), base: FileOffset(0), alignment: 4)
    var all: [ELFNote] = []
    while let note = reader.next() { all.append(note) }
    #expect(reader.diagnostic == nil)
    return (notes, all)
  }

  @Test func statusesComeFirstThenStatesThenTheKernelsText() throws {
    let cpu = SyntheticMachine.cpu
    let second = VCPU(index: 1, x86: cpu.x86, freshness: .current)
    let (_, all) = try notes([cpu, second], vmcoreInfo: Array("A=1\n".utf8))
    #expect(all.map(\.owner) == ["CORE", "CORE", "QEMU", "QEMU", "VMCOREINFO"])
    #expect(all.map(\.type.rawValue) == [1, 1, 0, 0, 0])
    #expect(try all[1].descriptor.load(Int32.self, at: 32) == 2)
    #expect(all[4].descriptor.copy() == Array("A=1\n".utf8))
  }

  /// Outside long mode QEMU writes 32-bit statuses, whatever the ELF class.
  @Test func protectedModeHasStatusesOf32Bits() throws {
    let (made, all) = try notes([SyntheticMachine.protectedModeCPU])
    #expect(made.machine == .i386)
    let status = all[0].descriptor
    #expect(status.count == 144)
    #expect(try status.load(UInt32.self, at: 24) == 1)
    #expect(try status.load(UInt32.self, at: 72) == 3)  // ebx
    #expect(try status.load(UInt32.self, at: 96) == 0)  // eax
    #expect(try status.load(UInt32.self, at: 100) == 24)  // ds
    #expect(try status.load(UInt32.self, at: 112) == 40)  // gs
    #expect(try status.load(UInt32.self, at: 120) == 0x8100_0000)  // eip
    #expect(try status.load(UInt32.self, at: 124) == 8)  // cs
    #expect(try status.load(UInt32.self, at: 128) == 0x246)
    #expect(try status.load(UInt32.self, at: 132) == 4)  // esp
    #expect(try status.load(UInt32.self, at: 136) == 16)  // ss
    #expect(all[1].descriptor.count == 440)
  }

  @Test func whatIsNotKnownIsSaid() throws {
    var state = SyntheticMachine.cpu.x86
    state[.kernelGSBase] = nil
    state[.rax] = nil
    state.cr2 = nil
    state.segments[.ldt] = nil
    let (made, all) = try notes([
      SyntheticMachine.cpu, VCPU(index: 1, x86: state, freshness: .stale),
    ])
    #expect(
      made.remarks == [
        "not all registers of 1 of 2 CPUs are known; the notes hold 0 for rax, cr2, ldt",
        "registers of 1 of 2 CPUs are older than the memory",
      ])
    // The older form has no place for what isn't known.
    #expect(all[2].descriptor.count == 440)
    #expect(all[3].descriptor.count == 432)
    #expect(try all[3].descriptor.load(UInt32.self, at: 4) == 432)
  }

  /// As in a kernel's own dump, whose NT_PRSTATUS is all there is.
  @Test func withoutControlRegistersThereAreNoNotesOfQEMU() throws {
    var state = X86CPUState()
    for register in X86CPUState.General.allCases { state[register] = 1 }
    state.rip = 2
    state.rflags = 0x202
    let (made, all) = try notes([VCPU(index: 0, x86: state, freshness: .current)])
    #expect(all.map(\.owner) == ["CORE"])
    #expect(
      made.remarks == [
        "no control registers are known, so there are no notes of QEMU's kind",
        "not all registers of 1 of 1 CPUs are known; the notes hold 0 for es, cs, ss, ds, fs, gs",
      ])
  }

  @Test func aMachineWithoutCPUsHasNoStatuses() throws {
    let (made, all) = try notes([])
    #expect(all.isEmpty)
    #expect(made.machine == .x86_64)
    #expect(made.remarks == ["no CPU is known, so there are no registers"])
  }
}
