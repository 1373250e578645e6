import Bytes
import QEMUProcess
import Targets
import Testing
import Unwinding

@Suite("Machines by shape")
struct MachineSearchTests {
  typealias Machine = SyntheticMachine

  /// Arrangements that no release has, and some that one has.
  static let shapes: [SyntheticMachine.Shape] = {
    var wide = SyntheticMachine.Shape()
    wide.region = 32
    wide.beforeOffset = 3
    wide.name = 120
    wide.block = 64
    wide.regionName = 304
    wide.flatRangeSize = 56
    wide.link = 640
    wide.state = 9216
    wide.others = 136
    wide.isWide = true
    wide.beforeEFER = 19
    wide.control = 292
    var old = SyntheticMachine.Shape()
    old.link = 33400
    old.state = 38000
    old.beforeEFER = 13
    old.others = 8
    old.control = 220
    old.vectors = 4
    old.fromVectors = 3976
    old.debug = 2000
    return [SyntheticMachine.Shape(), wide, old]
  }()

  @Test(arguments: shapes.indices)
  func membersAreFoundWhereverTheyAre(_ index: Int) throws {
    let shape = Self.shapes[index]
    let release = QEMURelease(major: shape.isWide ? 11 : 7, minor: 0)
    for release in [release, nil] {
      var machine = Machine.usual(shape)
      // Numbers of operations that mean the same in all releases that could be.
      if shape.isWide {
        machine.addMachine("pc-i440fx-11.0-machine")
        for cpu in [
          machine.word(Machine.cpuList), machine.word(machine.word(Machine.cpuList) + shape.link),
        ] {
          machine.setLong(cpu + shape.state + 168, 0)
        }
      }
      let result = try machine.search(release: release)
      #expect(result.confidence == .structures)
      #expect(result.diagnostics == [])
      #expect(result.layout.diagnostics == [])
      #expect(result.layout.blocks.map(\.name) == ["pc.ram", "0000:00:02.0/pc.bios"])
      #expect(result.layout.blocks.map(\.host.rawValue) == [Machine.guest, Machine.firmware])
      #expect(result.layout.blocks.map(\.count) == [Machine.guestSize, 0x10000])
      #expect(
        result.layout.ranges.map { TruthRange($0, of: result.layout) } == [
          TruthRange(start: 0, last: 0x9ffff, kind: "ram", name: "pc.ram", offset: 0),
          TruthRange(
            start: 0xc0000, last: 0xfffff, kind: "rom", name: "pc.ram", offset: 0xc0000),
          TruthRange(
            start: 0xffff_0000, last: 0xffff_ffff, kind: "rom", name: "pc.bios", offset: 0),
        ])
      #expect(result.type == (shape.isWide ? "pc-i440fx-11.0" : "pc-i440fx-7.2"))
      #expect(result.accelerator == .tcg)
      try expectRegisters(of: result.cpus)
    }
  }

  private func expectRegisters(of cpus: [VCPU]) throws {
    #expect(cpus.count == 2)
    for (cpu, seed) in zip(cpus, [UInt64(1), 2]) {
      #expect(cpu.freshness == .current)
      #expect(cpu.x86[.rax] == seed << 32 | 0xa0)
      #expect(cpu.x86[.r15] == seed << 32 | 0xaf)
      #expect(cpu.x86.rip == 0xffff_ffff_8100_0000 + seed)
      #expect(cpu.x86.rflags == 0x246)
      #expect(cpu.x86.segments[.cs]?.flags == 0x00af_9b00)
      #expect(cpu.x86.segments[.idt]?.base == 0x9000)
      #expect(cpu.x86.cr0 == 0x8005_0033)
      #expect(cpu.x86.cr2 == 0x7000 + seed)
      #expect(cpu.x86.cr3 == 0x4000)
      #expect(cpu.x86.cr4 == 0x6b0)
      #expect(cpu.x86[.efer] == 0xd01)
      #expect(cpu.x86[.star] == 0x0023_0010_0000_0000)
      #expect(cpu.x86[.lstar] == 0xffff_ffff_8180_0000)
      #expect(cpu.x86[.kernelGSBase] == 0xffff_8880_0000_0000 + seed)
      #expect(cpu.x86[.tscAux] == seed)
      #expect(cpu.x86[.pat] == 0x0407_0506_0007_0106)
      #expect(cpu.x86.debug == [0: 0xd000 + seed, 1: 0, 2: 0, 3: 0, 6: 0xffff_0ff0, 7: 0x400])
      let image = try #require(cpu.x86.extendedState)
      #expect(image.count == 512)
      #expect(image[0] == 0x7f && image[1] == 3 && image[4] == 0)
      #expect(image[24] == 0x80 && image[25] == 0x1f)
      #expect(image[160 + 16 * 15] == 15 && image[160 + 16 * 15 + 1] == UInt8(seed))
      #expect(cpu.x86.mode == .long)
      #expect(cpu.evidence.contains("its object names thread \(100 + seed)"))
      #expect(cpu.evidence.contains("1 entries of its top page table point to memory"))
    }
  }

  @Test func kindsOfMemory() throws {
    var machine = Machine()
    machine.addBlocks([
      .init(name: "pc.ram", host: Machine.guest, count: 0x1000),
      .init(name: "rom", host: Machine.guest + 0x1000, count: 0x1000, readOnly: true),
      .init(name: "flash", host: Machine.guest + 0x2000, count: 0x1000, romDevice: true),
      .init(name: "vfio", host: Machine.guest + 0x3000, count: 0x1000, ramDevice: true),
      .init(name: "nvdimm", host: Machine.guest + 0x4000, count: 0x1000),
    ])
    machine.addView([
      .init(name: "pc.ram", start: 0, count: 0x1000),
      .init(name: "rom", start: 0x1000, count: 0x1000, readOnly: true),
      .init(name: "flash", start: 0x2000, count: 0x800),
      .init(name: "flash", start: 0x2800, count: 0x800, offset: 0x800, romd: false),
      .init(name: "vfio", start: 0x3000, count: 0x1000),
      .init(name: "nvdimm", start: 0x4000, count: 0x1000, nonvolatile: true),
    ])
    let layout = try machine.search().layout
    #expect(layout.ranges.map(\.kind) == [.ram, .rom, .romDevice, .ramDevice, .nonvolatile])
    #expect(layout.ranges.map(\.start.rawValue) == [0, 0x1000, 0x2000, 0x3000, 0x4000])
  }

  @Test func blocksThatLieAboutTheirSize() throws {
    var machine = Machine()
    machine.addBlocks([.init(name: "pc.ram", host: Machine.guest, count: 1 << 40)])
    machine.addView([.init(name: "pc.ram", start: 0, count: 1 << 41)])
    let layout = try machine.search().layout
    #expect(layout.ranges.map(\.count) == [1 << 40])
    #expect(
      layout.diagnostics == [
        "the range at 0x0 goes past the end of pc.ram",
        "the memory of pc.ram at 0x7e0000000000, 0x10000000000 bytes, isn't in the dump to its end",
      ])
  }

  /// Every kind of damage to the structures: nothing is found, and the search ends.
  @Test func damagedStructuresAreNoEvidence() throws {
    let damages: [@Sendable (inout Machine) -> Void] = [
      // A list whose second element leads back to the first.
      { $0.set($0.word($0.word(Machine.blockList) + 336) + 336, $0.word(Machine.blockList)) },
      // An element that doesn't point back.
      { $0.set($0.word(Machine.blockList) + 344, Machine.globals) },
      // A name that isn't one.
      { $0.setByte($0.word(Machine.blockList) + 80, 1) },
      // A region that belongs to another block.
      { $0.set($0.region("pc.ram") + 56, $0.word(Machine.blockList) + 8) },
      // Ranges that descend, overlap or go on beyond the end of the space.
      { $0.set($0.word($0.word(Machine.addressSpace + 16) + 24) + 64 + 16, 0x1000) },
      { $0.set($0.word($0.word(Machine.addressSpace + 16) + 24) + 32, .max) },
      // More ranges than there can be.
      { $0.set($0.word(Machine.addressSpace + 16) + 32, .max) },
      // An address space of another name.
      { $0.setText($0.word(Machine.addressSpace), "memoru") },
    ]
    for (index, damage) in damages.enumerated() {
      var machine = Machine.usual()
      damage(&machine)
      #expect(throws: MachineSearchError.noMemory, "damage \(index)") { try machine.search() }
    }
  }

  /// The guest has written blocks and CPUs into its own memory, and a variable points there.
  @Test func guestMemoryIsNoEvidence() throws {
    var machine = Machine()
    let forged = Machine.guest + 0x8000
    machine.addBlocks([
      .init(name: "pc.ram", host: Machine.guest, count: Machine.guestSize, place: forged)
    ])
    machine.addView([.init(name: "pc.ram", start: 0, count: Machine.guestSize)])
    #expect(throws: MachineSearchError.noMemory) { try machine.search() }
  }

  @Test func onlyListedCPUsCount() throws {
    var machine = Machine.usual()
    // A CPU that was unplugged: its object is still there, as good as the others.
    _ = machine.makeCPU(3)
    #expect(try machine.search().cpus.count == 2)
    // A list that loops has no CPUs.
    let first = machine.word(Machine.cpuList)
    let second = machine.word(first + 584)
    machine.set(second + 584, first)
    let result = try machine.search()
    #expect(result.cpus.isEmpty)
    #expect(result.diagnostics == ["QEMU's list of CPUs wasn't found"])
  }

  @Test func damagedCPUs() throws {
    var machine = Machine.usual()
    let state = machine.word(Machine.cpuList) + 5008
    // CR1 doesn't exist.
    machine.set(state + 432, 1)
    let result = try machine.search()
    #expect(result.cpus.isEmpty)
    #expect(result.diagnostics == ["the CPUs' registers weren't found in their objects"])
    #expect(result.confidence == .structures)
  }

  @Test func whatIsNotCertainIsUnknown() throws {
    var machine = Machine.usual()
    for cpu in [machine.word(Machine.cpuList), machine.word(machine.word(Machine.cpuList) + 584)] {
      // DR7 without the bit that is always set.
      for (address, value) in machine.words where value == 0x400 && address > cpu {
        machine.set(address, 0)
      }
      machine.setLong(cpu + 5008 + 168, 60)
    }
    let result = try machine.search()
    #expect(result.cpus.count == 2)
    #expect(result.cpus.allSatisfy { $0.x86.debug.isEmpty && $0.x86[.star] == nil })
    #expect(result.cpus.allSatisfy { $0.x86.extendedState == nil && $0.x86.rflags == nil })
    #expect(result.cpus.allSatisfy { $0.x86[.efer] == 0xd01 && $0.x86.cr3 == 0x4000 })
    #expect(
      result.diagnostics == [
        "not found in the CPUs' objects: model-specific registers, debug registers, vector"
          + " registers", "RFLAGS of CPU 0 can't be told without QEMU's version",
        "RFLAGS of CPU 1 can't be told without QEMU's version",
      ])
  }

  @Test func kvmGuestsAreLabelled() throws {
    var machine = Machine.usual()
    machine.addMachine(accelerator: "kvm")
    let result = try machine.search()
    #expect(result.accelerator == .kvm)
    #expect(result.cpus.map(\.freshness) == [.unknown, .unknown])
    #expect(result.cpus.map(\.x86.rflags) == [0x202, 0x202])
    #expect(result.diagnostics.count == 1)
  }

  /// While translated code runs, its registers are in the host's.
  @Test func runningCPUsAreTorn() throws {
    var machine = Machine.usual()
    var registers = RegisterState()
    registers[Architecture.x86_64.programCounter] = Machine.generatedCode + 0x10
    machine.threads[1] = HostThread(id: 102, registers: registers, threadPointer: nil)
    #expect(try machine.search().cpus.map(\.freshness) == [.current, .torn])
  }

  /// A thread whose registers the dump doesn't tell may have been anywhere.
  @Test func threadsOfUnknownPlaceDontVouchForTheirCPUs() throws {
    var machine = Machine.usual()
    machine.threads[0] = HostThread(id: 101, registers: RegisterState(), threadPointer: nil)
    #expect(try machine.search().cpus.map(\.freshness) == [.unknown, .current])
  }

  @Test func givenMemory() throws {
    let given = try GivenRAM(parsing: "0x7e0000000000:512k@0")
    let more = try GivenRAM(parsing: "0x7e0000080000:0x80000@4G")
    let result = try Machine.usual().search(given: [more, given])
    #expect(result.confidence == .given)
    #expect(result.layout.ranges.map(\.start.rawValue) == [0, 1 << 32])
    #expect(result.layout.blocks.map(\.host.rawValue) == [Machine.guest, Machine.guest + 0x80000])
    #expect(result.layout.ranges.map(\.count) == [0x80000, 0x80000])
    #expect(result.cpus.count == 2)
    #expect(more.description == "0x7e0000080000:0x80000@0x100000000")
    #expect(
      throws: MachineSearchError.overlappingPlaces(
        "0x7e0000000000:0x80000@0x0", "0x7e0000000000:0x80000@0x0")
    ) { try GuestMemoryLayout(given: [given, given]) }
  }

  @Test(arguments: [
    "", "0x1000", "0x1000:4k", "0x1000@0:4k", "1000x:4k@0", "0x1000:@0", "0x1000:0@0",
    "0x1000:-1@0", "0x1000:+1@0", "0x1000:99999999T@0", "0xfffffffffffff000:8k@0",
    "0x1000:8k@0xfffffffffffff000", "0x1000:4k@", "0x:4k@0", "0x1000:4kk@0", "k:4k@0",
  ])
  func badPlaces(_ text: String) {
    #expect(throws: MachineSearchError.self) { try GivenRAM(parsing: text) }
  }
}
