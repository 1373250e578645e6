import Bytes
import QEMUProcess
import Targets
import Testing

/// A process with the mappings that are given, and what its dump holds of them.
private struct HostWorld {
  var regions: [MemoryRegion] = []
  var mappings: [Mapping] = []

  /// A mapping whose bytes are all `value`, and how many of them the dump holds.
  mutating func map(
    _ start: UInt64, _ count: UInt64, filledWith value: UInt8 = 0xa5, held: UInt64? = nil,
    absent: MemoryFault.Reason = .excluded, protection: Mapping.Protection? = [.read, .write],
    path: String? = nil, fileOffset: UInt64? = nil
  ) {
    let held = held ?? count
    mappings.append(
      Mapping(
        start: VirtualAddress(start), count: count, protection: protection, path: path,
        fileOffset: fileOffset.map { FileOffset($0) }))
    if held > 0 {
      regions.append(
        MemoryRegion(
          start: VirtualAddress(start), count: held,
          contents: .dumped(ByteView(copying: [UInt8](repeating: value, count: Int(held))))))
    }
    if held < count {
      regions.append(
        MemoryRegion(
          start: VirtualAddress(start + held), count: count - held, contents: .absent(absent)))
    }
  }

  var process: Targets.Process {
    Targets.Process(
      architecture: .x86_64, memory: AddressSpace(layers: [regions]),
      mappings: mappings.sorted { $0.start < $1.start }, threads: [], modules: [])
  }
}

@Suite("A guest's memory put together")
struct MachineAssemblyTests {
  private static let host: UInt64 = 0x7f00_0000_0000

  private func block(
    _ count: UInt64, _ name: String = "pc.ram", at host: UInt64 = host
  ) -> GuestRAMBlock {
    GuestRAMBlock(name: name, host: VirtualAddress(host), count: count, address: nil)
  }

  private func range(
    _ start: UInt64, _ count: UInt64, block: Int = 0, offset: UInt64 = 0,
    kind: MemoryMapEntry.Kind = .ram
  ) -> GuestFlatRange {
    GuestFlatRange(
      start: PhysicalAddress(start), count: count, kind: kind, block: block, offset: offset)
  }

  private func machine(
    _ world: HostWorld, _ blocks: [GuestRAMBlock], _ ranges: [GuestFlatRange],
    standIns: [HostStandIn] = []
  ) -> Machine {
    Machine(
      qemu: world.process, layout: GuestMemoryLayout(blocks: blocks, ranges: ranges, evidence: []),
      cpus: [], standIns: standIns)
  }

  /// Start, length and whether there are bytes, of each segment.
  private func pieces(_ machine: Machine) -> [String] {
    machine.memory.segments.map { segment in
      let fate =
        switch segment.contents {
        case .bytes: "bytes"
        case .zeros: "zeros"
        case .source: "source"
        case .absent(let reason): "\(reason)"
        }
      return "\(segment.start) \(hex(segment.count)) \(fate)"
    }
  }

  @Test func copiesNothing() throws {
    var world = HostWorld()
    world.map(Self.host, 0x4000)
    let process = world.process
    let machine = Machine(
      qemu: process,
      layout: GuestMemoryLayout(
        blocks: [block(0x4000)],
        ranges: [range(0, 0x1000), range(0x10_0000, 0x3000, offset: 0x1000)], evidence: []),
      cpus: [])
    let bytes = try #require(process.memory.regions.first?.bytes)
    guard case .bytes(let view) = machine.memory.segments[1].contents else {
      Issue.record("no bytes")
      return
    }
    #expect(view.storage === bytes.storage)
    #expect(view.storageOffset == 0x1000)
    #expect(machine.diagnostics == [])
    #expect(
      machine.map == [
        MemoryMapEntry(start: PhysicalAddress(0), count: 0x1000, kind: .ram, block: "pc.ram"),
        MemoryMapEntry(
          start: PhysicalAddress(0x10_0000), count: 0x3000, kind: .ram, block: "pc.ram",
          blockOffset: 0x1000),
      ])
  }

  @Test func aliasesShowTheSameBytes() throws {
    var world = HostWorld()
    world.map(Self.host, 0x1000, filledWith: 0x11)
    world.map(Self.host + 0x10000, 0x2000, filledWith: 0x22)
    let machine = machine(
      world, [block(0x1000), block(0x2000, "pc.bios", at: Self.host + 0x10000)],
      [
        range(0, 0x1000), range(0xf_f000, 0x1000, block: 1, offset: 0x1000, kind: .rom),
        range(0xffff_e000, 0x2000, block: 1, kind: .rom),
      ])
    for address in [0xf_f000, 0xffff_e000, 0xffff_f000] as [UInt64] {
      #expect(
        try machine.memory.word(at: PhysicalAddress(address)) == 0x2222_2222_2222_2222)
    }
    #expect(machine.diagnostics == [])
  }

  @Test func rangesAreCutToTheirBlocks() {
    var world = HostWorld()
    world.map(Self.host, 0x10000)
    let machine = machine(
      world, [block(0x4000)],
      [
        range(0, .max), range(0x10_0000, 0x1000, offset: 0x4000),
        range(0x20_0000, 0x1000, block: 7),
      ]
    )
    #expect(pieces(machine) == ["0x0 0x4000 bytes"])
    #expect(
      machine.diagnostics == [
        "the memory at 0x0 claims 18446744073709551615 bytes at 0 of pc.ram, which has 16384",
        "the memory at 0x100000 claims 4096 bytes at 16384 of pc.ram, which has 16384",
        "the memory at 0x200000 is of a block that isn't there",
      ])
  }

  /// A block that claims a TiB shows what is mapped and no more, and nothing is allocated for it.
  @Test func blocksAreCutToWhatIsMapped() {
    var world = HostWorld()
    world.map(Self.host, 0x4000)
    // A gap, and then another mapping, which isn't the block's.
    world.map(Self.host + 0x5000, 0x4000)
    let machine = machine(world, [block(1 << 40)], [range(0, 1 << 40)])
    #expect(pieces(machine) == ["0x0 0x4000 bytes", "0x4000 0xffffffc000 unmapped"])
    #expect(machine.diagnostics == ["the process has no memory at 0x7f0000004000, in pc.ram"])
  }

  @Test func aBlockEndsAtItsGuardPage() {
    var world = HostWorld()
    world.map(Self.host, 0x2000)
    // The kernel splits mappings for its own reasons: NUMA policies, huge pages.
    world.map(Self.host + 0x2000, 0x2000)
    world.map(Self.host + 0x4000, 0x1000, held: 0, protection: [])
    world.map(Self.host + 0x5000, 0x1000)
    let machine = machine(world, [block(0x6000)], [range(0, 0x6000)])
    #expect(
      pieces(machine) == ["0x0 0x2000 bytes", "0x2000 0x2000 bytes", "0x4000 0x2000 unmapped"])
  }

  @Test func whatOverlapsIsSeenOnce() throws {
    var world = HostWorld()
    world.map(Self.host, 0x4000, filledWith: 0x11)
    world.map(Self.host + 0x10000, 0x4000, filledWith: 0x22)
    let blocks = [block(0x4000), block(0x4000, "b", at: Self.host + 0x10000)]
    let machine = machine(
      world, blocks,
      [range(0x3000, 0x4000, block: 1), range(0, 0x4000), range(0x1000, 0x1000, block: 1)])
    #expect(pieces(machine) == ["0x0 0x4000 bytes", "0x4000 0x3000 bytes"])
    #expect(try machine.memory.word(at: PhysicalAddress(0x3000)) == 0x1111_1111_1111_1111)
    #expect(machine.map.map(\.blockOffset) == [0, 0x1000])
    #expect(
      machine.diagnostics == [
        "the memory at 0x1000 (b) overlaps what lies before it",
        "the memory at 0x3000 (b) overlaps what lies before it",
      ])
  }

  @Test func nothingWrapsRound() {
    var world = HostWorld()
    world.map(Self.host, 0x4000)
    world.map(0xffff_ffff_ffff_c000, 0x3000)
    let machine = machine(
      world, [block(0x4000), block(.max, "end", at: 0xffff_ffff_ffff_c000)],
      [
        range(0xffff_ffff_ffff_e000, 0x4000), range(0, .max, block: 1),
        range(.max, .max, offset: .max),
      ])
    for segment in machine.memory.segments {
      #expect(segment.start.advanced(by: segment.count - 1) != nil)
    }
    #expect(machine.map.first?.count == 0x3fff)
  }

  @Test func whatIsMissingSaysWhy() throws {
    var world = HostWorld()
    world.map(Self.host, 0x4000, held: 0x1000, absent: .truncated)
    world.map(Self.host + 0x10000, 0x2000, held: 0)
    world.map(
      Self.host + 0x20000, 0x2000, held: 0, path: "/dev/shm/guest", fileOffset: 0x8000)
    let blocks = [
      block(0x4000), block(0x2000, "hidden", at: Self.host + 0x10000),
      block(0x2000, "file", at: Self.host + 0x20000),
      block(0x2000, "unknown", at: Self.host + 0x30000),
    ]
    let ranges = (0..<4).map { range(UInt64($0) << 20, 0x4000, block: $0) }
    let layout = GuestMemoryLayout(blocks: blocks, ranges: ranges, evidence: [])
    let assembly = GuestMemoryAssembly(layout, in: world.process)
    #expect(
      pieces(machine(world, blocks, ranges)) == [
        "0x0 0x1000 bytes", "0x1000 0x3000 truncated", "0x100000 0x2000 excluded",
        "0x200000 0x2000 fileAbsent(path: \"/dev/shm/guest\")", "0x300000 0x2000 excluded",
      ])
    #expect(
      assembly.absentBackings == [
        AbsentBacking(
          block: "file", start: VirtualAddress(Self.host + 0x20000), count: 0x2000,
          path: "/dev/shm/guest", fileOffset: FileOffset(0x8000))
      ])

    // Who has the file can put its part there; one that is too short leaves the rest absent.
    let file = ByteView(copying: [UInt8](repeating: 0x33, count: 0x9000))
    let backing = try #require(assembly.absentBackings.first)
    let whole = machine(
      world, blocks, ranges,
      standIns: [HostStandIn(for: backing, file: file, source: "copy of guest")])
    #expect(
      pieces(whole).dropFirst(3) == [
        "0x200000 0x1000 bytes", "0x201000 0x1000 fileAbsent(path: \"/dev/shm/guest\")",
        "0x300000 0x2000 excluded",
      ])
    #expect(try whole.memory.word(at: PhysicalAddress(0x20_0000)) == 0x3333_3333_3333_3333)
  }

  @Test func theDumpsOwnBytesCountMoreThanStandIns() throws {
    var world = HostWorld()
    world.map(Self.host, 0x2000, filledWith: 0x11, held: 0x1000, absent: .truncated)
    let stand = HostStandIn(
      start: VirtualAddress(Self.host),
      bytes: ByteView(copying: [UInt8](repeating: 0x22, count: 0x2000)), source: "file")
    let machine = machine(world, [block(0x2000)], [range(0, 0x2000)], standIns: [stand])
    #expect(try machine.memory.word(at: PhysicalAddress(0xff8)) == 0x1111_1111_1111_1111)
    #expect(try machine.memory.word(at: PhysicalAddress(0x1000)) == 0x2222_2222_2222_2222)
  }
}
