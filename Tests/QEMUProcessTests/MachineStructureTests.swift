import Bytes
import Targets
import Testing

@testable import QEMUProcess

@Suite("QEMU's structures of a machine")
struct MachineStructureTests {
  private typealias Flags = MachineWorld.Flags

  private func rows(_ layout: GuestMemoryLayout) -> [String] {
    layout.ranges.map {
      "\($0.start) \(hex($0.count)) \($0.kind) \(layout.blocks[$0.block].name)+\(hex($0.offset))"
    }
  }

  @Test func theMapIsReadWhereverMembersLie() throws {
    var world = MachineWorld()
    let ram = world.addBlock("pc.ram", used: 0x100000)
    let rom = world.addBlock("pc.bios", host: 0x7e10_0000_0000, used: 0x4000, most: 0x8000)
    world.addRange(0, 0xa0000, block: ram)
    world.addRange(0xfee0_0000, 0x1000, block: 0, flags: Flags(ram: false))
    world.addRange(0xffff_c000, 0x4000, block: rom, flags: Flags(readonly: true))
    world.addRange(0x1_0000_0000, 0x60000, block: ram, offset: 0xa0000)
    let layout = try GuestMemoryLayout(world.structures())
    #expect(
      rows(layout) == [
        "0x0 0xa0000 ram pc.ram+0x0", "0xffffc000 0x4000 rom pc.bios+0x0",
        "0x100000000 0x60000 ram pc.ram+0xa0000",
      ])
    #expect(layout.blocks.map(\.count).sorted() == [0x4000, 0x100000])
    #expect(layout.diagnostics == [])
  }

  @Test(arguments: [
    (MachineWorld.Flags(), MemoryMapEntry.Kind?.some(.ram)),
    (MachineWorld.Flags(readonly: true), .rom),
    (MachineWorld.Flags(ram: false), nil),
    (MachineWorld.Flags(ram: false, romDevice: true), .romDevice),
    (MachineWorld.Flags(ram: false, romDevice: true, romdMode: false), nil),
    (MachineWorld.Flags(ramDevice: true), .ramDevice),
    (MachineWorld.Flags(nonvolatile: true), .nonvolatile),
    (MachineWorld.Flags(nonvolatile: true, readonly: true), .nonvolatile),
  ])
  func kindsAreTold(_ flags: MachineWorld.Flags, _ kind: MemoryMapEntry.Kind?) throws {
    var world = MachineWorld()
    let block = world.addBlock("block", used: 0x1000)
    world.addRange(0, 0x1000, block: block, flags: flags)
    let layout = try GuestMemoryLayout(world.structures())
    #expect(layout.ranges.first?.kind == kind)
    #expect(layout.diagnostics == [])
  }

  @Test func listsThatLoopEnd() throws {
    var world = MachineWorld()
    let first = world.addBlock("first", used: 0x1000)
    let second = world.addBlock("second", used: 0x1000)
    world.process.set(first + 24, second)
    world.addRange(0, 0x1000, block: first)
    let layout = try GuestMemoryLayout(world.structures())
    #expect(Set(layout.blocks.map(\.name)) == ["first", "second"])
    #expect(
      layout.diagnostics == [
        "the RAM blocks: the list leads back to \(VirtualAddress(second))"
      ])
    #expect(layout.ranges.count == 1)
  }

  @Test func countsThatLieAreNotBelieved() throws {
    var world = MachineWorld()
    let block = world.addBlock("ram", used: 0x3000, most: 0x2000)
    world.addRange(0, 0x3000, block: block)
    world.process.set(world.view + 8, 0xffff_ffff)
    let layout = try GuestMemoryLayout(world.structures())
    #expect(layout.blocks.map(\.count) == [0x2000])
    #expect(
      layout.diagnostics.prefix(2) == [
        "ram uses 12288 of its 8192 bytes",
        "the map claims 4294967295 ranges, but can't have more than 4096",
      ])
    // What lies behind the array isn't a range.
    #expect(layout.diagnostics.count == 3)
    #expect(layout.diagnostics[2].hasPrefix("the map from its range 1 on: "))
    #expect(rows(layout) == ["0x0 0x3000 ram ram+0x0"])
  }

  @Test func numbersOf128BitsAreCut() throws {
    var world = MachineWorld()
    let block = world.addBlock("ram", used: 0x3000)
    world.addRange(0, 0, block: block, countHigh: 1)
    world.addRange(0x5000, 0x1000, block: block, startHigh: 1)
    let layout = try GuestMemoryLayout(world.structures())
    #expect(rows(layout) == ["0x0 0xffffffffffffffff ram ram+0x0"])
    #expect(layout.diagnostics == ["memory at 0x10000000000005000 is beyond all addresses"])
  }

  @Test func blocksThatTheListLacksAreReadAllTheSame() throws {
    var world = MachineWorld()
    let lost = world.addBlock("lost", used: 0x1000, isListed: false)
    world.addRange(0, 0x1000, block: lost)
    world.addRange(0x1000, 0x1000, block: 0)
    let layout = try GuestMemoryLayout(world.structures())
    #expect(rows(layout) == ["0x0 0x1000 ram lost+0x0"])
    #expect(
      layout.diagnostics == [
        "the RAM block at \(VirtualAddress(lost)) of the memory at 0x0 isn't in ram_list",
        "the memory at 0x1000 has no RAM block",
      ])
  }

  @Test func withoutAMapThereIsNoMachine() {
    var world = MachineWorld()
    world.process.set(SyntheticProcess.heap + 0x18108, 0)
    #expect(throws: StructureError.self) { try GuestMemoryLayout(world.structures()) }
    world.process.set(SyntheticProcess.heap + 0x18108, 0x1234_5678)
    #expect(throws: StructureError.self) { try GuestMemoryLayout(world.structures()) }
  }

  /// Blocks of 0x1000 bytes, of which 1, 2 and 4 are plugged in.
  @Test func onlyPluggedMemoryIsThere() throws {
    var world = MachineWorld()
    let block = world.addBlock("mem1", used: 0x8000)
    let device = world.addObject("virtio-mem")
    let bitmap = world.process.allocate(8)
    world.process.set(bitmap, 0b1_0110)
    world.process.set(device + 32, bitmap)
    world.process.set(device + 40, 8)
    world.process.set(device + 48, 0x1000)
    world.addRange(0x10_0000, 0x4800, block: block, offset: 0, flags: Flags(manager: device))
    world.addRange(0x20_0000, 0x1000, block: block, offset: 0x1800, flags: Flags(manager: device))
    let layout = try GuestMemoryLayout(world.structures())
    #expect(
      rows(layout) == [
        "0x101000 0x2000 ram mem1+0x1000", "0x104000 0x800 ram mem1+0x4000",
        "0x200000 0x1000 ram mem1+0x1800",
      ])
    #expect(layout.diagnostics == [])
  }

  @Test func bitmapsThatLieAreRefused() throws {
    for (bits, size) in [(1 << 31, 0x1000), (8, 0)] as [(UInt64, UInt64)] {
      var world = MachineWorld()
      let block = world.addBlock("mem1", used: 0x8000)
      let device = world.addObject("virtio-mem")
      world.process.set(device + 32, SyntheticProcess.heap)
      world.process.set(device + 40, bits)
      world.process.set(device + 48, size)
      world.addRange(0, 0x4000, block: block, flags: Flags(manager: device))
      let layout = try GuestMemoryLayout(world.structures())
      #expect(layout.ranges.isEmpty)
      #expect(layout.diagnostics.count == 1)
    }
  }
}

@Suite("QEMU's structures of CPUs")
struct MachineCPUTests {
  /// Every row of the tables: the machine is found by each spelling.
  @Test func everySpellingIsKnown() throws {
    for list in MachineNames.cpuList.spellings {
      for type in MachineNames.x86CPU.spellings {
        var world = MachineWorld()
        world.cpuListName = list.name
        world.cpuTypeName = type.name
        _ = world.addCPU(value: 0x100)
        _ = world.addCPU(value: 0x200)
        let findings = try MachineFindings(world.structures())
        #expect(findings.cpus.map(\.index) == [0, 1])
        #expect(findings.cpus.map { $0.x86[.r15] } == [0x10f, 0x20f])
        #expect(findings.cpus.map { $0.x86.rip } == [0x110, 0x210])
        #expect(findings.type == "pc-test")
      }
    }
    for row in MachineNames.all {
      #expect(!row.spellings.isEmpty)
      #expect(Set(row.names).count == row.spellings.count)
      for spelling in row.spellings {
        #expect(!spelling.source.isEmpty && !spelling.releases.isEmpty)
      }
    }
  }

  @Test(arguments: [
    ("tcg", false, false, VCPU.Freshness.current), ("tcg", true, false, .torn),
    ("kvm", false, true, .current), ("kvm", false, false, .stale), ("kvm", true, false, .stale),
    ("hvf", false, false, .stale),
  ])
  func freshnessIsTold(
    _ accelerator: String, _ isRunning: Bool, _ isDirty: Bool, _ freshness: VCPU.Freshness
  ) throws {
    var world = MachineWorld()
    world.accelerator = accelerator
    _ = world.addCPU(value: 0, isRunning: isRunning, isDirty: isDirty)
    let cpu = try #require(try MachineFindings(world.structures()).cpus.first)
    #expect(cpu.freshness == freshness)
    #expect(cpu.evidence.count == (freshness == .current ? 1 : 2))
    // The operation that set the flags last can't be named without CCOp: unknown, never guessed.
    #expect(cpu.x86.rflags == (freshness == .torn ? nil : 0x246))
    // Only hardware keeps a time stamp counter that means something.
    #expect((cpu.x86[.timestampCounter] == nil) == (accelerator == "tcg"))
  }

  @Test func listsThatLoopEnd() throws {
    var world = MachineWorld()
    let first = world.addCPU(value: 0)
    let second = world.addCPU(value: 0)
    world.process.set(second + 24, first)
    let findings = try MachineFindings(world.structures())
    #expect(findings.cpus.count == 2)
    #expect(
      findings.diagnostics.contains("the CPUs: the list leads back to \(VirtualAddress(first))"))
  }

  /// What can't be read stays unknown, and the rest is there.
  @Test func partsAreReadApart() throws {
    var world = MachineWorld()
    _ = world.addCPU(value: 1)
    let findings = try MachineFindings(world.structures())
    let cpu = try #require(findings.cpus.first)
    #expect(cpu.x86.extendedState == nil)
    #expect(cpu.x86.cr0 == 0)
    #expect(cpu.x86.segments.count == 10)
    #expect(findings.diagnostics.count == 1)
    #expect(findings.diagnostics.first?.hasPrefix("CPU 0: vector registers: ") == true)
  }

  /// TCG has the x87 registers in their physical order and the exceptions apart from MXCSR; of KVM,
  /// QEMU has both as the hardware stores them.
  @Test(arguments: [
    ("tcg", [3, 4, 5, 6, 7, 0, 1, 2], UInt32(0b10_0100)), ("kvm", Array(0..<8), 0),
  ])
  func vectorsAreAsTheAcceleratorKeepsThem(
    _ accelerator: String, _ order: [UInt64], _ exceptions: UInt32
  ) throws {
    var world = MachineWorld()
    world.accelerator = accelerator
    world.hasVectors = true
    let cpu = world.addCPU(value: 0)
    world.process.set(cpu + MachineWorld.top, 3)
    // divbyzero and inexact, in the byte that QEMU had for them up to 6.2
    world.process.set(cpu + MachineWorld.exceptions, 4 | 32)
    for index in 0..<UInt64(8) {
      world.process.set(cpu + MachineWorld.stack + 16 * index, 0x100 + index)
    }
    let findings = try MachineFindings(world.structures())
    #expect(!findings.diagnostics.contains { $0.hasPrefix("CPU") })
    let area = ByteView(copying: try #require(findings.cpus.first?.x86.extendedState))
    for (index, register) in order.enumerated() {
      #expect(try area.load(UInt64.self, at: 32 + 16 * UInt64(index)) == 0x100 + register)
    }
    #expect(try area.load(UInt32.self, at: 24) == exceptions)
    #expect(try area.load(UInt16.self, at: 2) == 3 << 11)
  }

  @Test func anotherWayMustFindTheSame() throws {
    var world = MachineWorld()
    let block = world.addBlock("ram", used: 0x3000)
    world.addRange(0, 0x2000, block: block)
    world.addRange(0x2000, 0x1000, block: block, offset: 0x2000)
    _ = world.addCPU(value: 1)
    let ours = try MachineFindings(world.structures())
    var theirs = ours
    // The same memory in one piece is the same.
    theirs.layout.ranges = [
      GuestFlatRange(
        start: PhysicalAddress(0), count: 0x3000, kind: .ram, block: 0, offset: 0)
    ]
    #expect(ours.differences(from: theirs) == [])
    theirs.layout.ranges[0] = GuestFlatRange(
      start: PhysicalAddress(0), count: 0x2000, kind: .ram, block: 0, offset: 0)
    var state = ours.cpus[0].x86
    state[.rbx] = 7
    state.cr3 = nil
    theirs.cpus = [VCPU(index: 0, x86: state, freshness: .current)]
    #expect(
      ours.differences(from: theirs) == [
        "only one way finds 0x3000 bytes of ram at 0x0, which are at 0x7e0000000000",
        "only the other way finds 0x2000 bytes of ram at 0x0, which are at 0x7e0000000000",
        "CPU 0: rbx differs",
      ])
    theirs.cpus = []
    #expect(ours.differences(from: theirs).last == "one way finds 1 CPUs, the other 0")
  }
}
