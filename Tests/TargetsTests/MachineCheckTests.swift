import Bytes
import Targets
import TestWorlds
import Testing

extension FirmwareWorld {
  fileprivate var memory: PhysicalMemory {
    PhysicalMemory([
      PhysicalSegment(
        start: PhysicalAddress(0), count: UInt64(Self.size), contents: .bytes(view))
    ])
  }

  fileprivate func check(
    _ map: [(start: UInt64, count: UInt64)] = [(0, UInt64(size))], cpus: Int = 0
  ) -> MachineCheck {
    MachineCheck(
      memory: memory,
      map: map.map {
        MemoryMapEntry(start: PhysicalAddress($0.start), count: $0.count, kind: .ram)
      },
      cpus: (0..<cpus).map { VCPU(index: $0, x86: X86CPUState(), freshness: .unknown) })
  }
}

@Suite struct MachineCheckTests {
  @Test func firmwareAndMapAgree() {
    var world = FirmwareWorld()
    world.writeRoot(tables: [FirmwareWorld.processorTable, FirmwareWorld.affinityTable])
    world.writeProcessors([true, true, false])
    // The second range only has room for memory.
    world.writeAffinities([(0, 0xa0000, 1), (0x1_0000_0000, 1 << 30, 3), (0x10_0000, 0x10_0000, 1)])
    let right = world.check(cpus: 2).firmwareProofs()
    #expect(right.map(\.verdict) == [.confirmed, .confirmed, .confirmed, .confirmed], "\(right)")
    let wrong = world.check([(0, 0x18_0000)], cpus: 3).firmwareProofs()
    #expect(wrong.map(\.verdict) == [.confirmed, .refuted, .confirmed, .refuted], "\(wrong)")
    #expect(wrong.last?.statement.contains("lacks \(0x8_0000) bytes") == true)
  }

  @Test func damagedTablesAreNamed() throws {
    var world = FirmwareWorld()
    #expect(throws: ACPIError.noRootPointer) { try ACPITables(in: world.memory) }
    world.writeRoot(tables: [
      FirmwareWorld.processorTable, 0x7fff_0000, FirmwareWorld.affinityTable,
    ])
    world.writeProcessors([true])
    world.writeAffinities([(0, 0xa0000, 1)])
    world.write([0xff], at: FirmwareWorld.affinityTable + 50)
    let tables = try ACPITables(in: world.memory)
    #expect(tables.enabledProcessors == 1)
    #expect(
      tables.problems == [
        .unreadable(
          table: "at 0x7fff0000",
          PhysicalFault(address: PhysicalAddress(0x7fff_0000), reason: .unmapped)),
        .checksum(table: "SRAT", PhysicalAddress(UInt64(FirmwareWorld.affinityTable))),
      ])
    world.write(little(UInt32.max), at: FirmwareWorld.rootTable + 4)
    #expect(
      throws: ACPIError.length(
        table: "RSDT", PhysicalAddress(UInt64(FirmwareWorld.rootTable)), UInt64(UInt32.max))
    ) { try ACPITables(in: world.memory) }
  }

  @Test func entriesOfNoLengthEndATable() throws {
    var world = FirmwareWorld()
    world.writeRoot(tables: [FirmwareWorld.processorTable])
    world.writeTable(
      "APIC", [UInt8](repeating: 0, count: 8) + [0, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
      at: FirmwareWorld.processorTable)
    #expect(try ACPITables(in: world.memory).enabledProcessors == 1)
  }

  @Test func memoryMapsOfKernelsAreFoundAndCompared() {
    var world = FirmwareWorld()
    let entries: [(start: UInt64, count: UInt64, type: UInt32)] = [
      (0, 0x9fc00, 1), (0x9fc00, 0x400, 2), (0xf0000, 0x10000, 2), (0x10_0000, 0x10_0000, 1),
      (0xfffc_0000, 0x40000, 2),
    ]
    world.writeMemoryMap(entries)
    // A process's idea of a machine with more memory.
    world.writeMemoryMap(entries + [(0x1_0000_0000, 1 << 30, 1)], at: 0x19_0008)
    // Things that only look like a table: unsorted, overlapping, of no type, without end.
    world.writeMemoryMap([entries[0], entries[3], entries[2]], at: 0x19_1000)
    world.writeMemoryMap([entries[0], (0x1000, 0x1000, 1)], at: 0x19_2000)
    world.writeMemoryMap([entries[0], (0x10_0000, 0x1000, 99)], at: 0x19_3000)
    world.writeMemoryMap([entries[0], (0x10_0000, .max, 1)], at: 0x19_4000)
    let tables = E820Search(world.memory).tables()
    #expect(tables.map(\.address) == [PhysicalAddress(0x18_0000), PhysicalAddress(0x19_0008)])
    #expect(tables.first?.entries.count == 5)
    #expect(world.check().mapProofs().map(\.verdict) == [.confirmed])
    let wrong = world.check([(0, 0x18_0000)]).mapProofs()
    #expect(wrong.map(\.verdict) == [.refuted])
    #expect(wrong.first?.statement.contains("lacks \(0x8_0000) bytes") == true)
    #expect(FirmwareWorld().check().mapProofs().map(\.verdict) == [.unknown])
  }

  @Test func registersAreProvedByWhatTheyLeadTo() {
    // An interrupt table of two gates at 0x5000, code at 0x6000; the stack's page isn't code.
    var world = PageTableWorld(.fourLevel)
    let table = world.allocatePage()
    let code = world.allocatePage()
    world.map(0x5000, entry: table | 3 | 1 << 63)
    world.map(0x6000, entry: code | 1)
    func gate(_ target: UInt64, present: Bool = true) -> [UInt8] {
      little(UInt16(target & 0xffff)) + little(UInt16(0x10))
        + [0, present ? 0x8e : 0x0e] + little(UInt16(target >> 16 & 0xffff))
        + little(UInt32(target >> 32)) + little(UInt32(0))
    }
    world.write(gate(0x6010) + gate(0x6020) + gate(0x1234_5678_9000, present: false), at: table)
    var state = X86CPUState()
    state.cr0 = 0x8000_0011
    state.cr3 = world.root
    state.cr4 = 0x20
    state[.efer] = 0xd01
    state[.lstar] = 0x6040
    state.rip = 0x6000
    state.segments[.idt] = X86Segment(selector: 0, base: 0x5000, limit: 47, flags: 0)
    func verdicts(_ state: X86CPUState) -> [MachineProof.Verdict] {
      MachineCheck(
        memory: world.memory, map: [],
        cpus: [VCPU(index: 0, x86: state, freshness: .current)]
      ).proofs().prefix(3).map(\.verdict)
    }
    #expect(verdicts(state) == [.confirmed, .confirmed, .confirmed])
    // Not code, not mapped.
    state[.lstar] = 0x5000
    state.rip = 0x7000
    #expect(verdicts(state) == [.refuted, .confirmed, .refuted])
    state.cr3 = world.root + 0x10_0000
    #expect(verdicts(state) == [.refuted, .refuted, .refuted])
    #expect(verdicts(X86CPUState()).first == .unknown)
  }
}
