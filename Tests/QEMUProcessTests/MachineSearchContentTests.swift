import Bytes
import QEMUProcess
import Targets
import Testing

/// Memory told by its contents, where QEMU's own structures can't be had.
@Suite("Machines by contents")
struct MachineSearchContentTests {
  /// The search with QEMU's variables withheld.
  private static func blindly(_ subject: MachineSubject) throws -> MachineSearch.Result {
    try MachineSearch(
      process: HostProcess(subject.processWithoutSymbols()), globals: [], release: nil
    ).search()
  }

  /// One block of memory, of which a kernel or firmware has taken possession.
  private static let told = MachineSubject.forSearch.filter { subject in
    ["numa", "dimm", "max", "excluded", "noguest", "file", "memfd"].allSatisfy {
      !subject.name.contains($0)
    }
  }

  @Test(arguments: told)
  func memoryIsWhereItWas(_ subject: MachineSubject) throws {
    let result = try Self.blindly(subject)
    #expect(result.confidence == .contents)
    #expect(result.cpus.isEmpty)
    let structures = try MachineSearchRealTests.found(subject).layout
    let ram = try #require(structures.blocks.firstIndex { $0.name.hasSuffix(".ram") })
    let layout = result.layout
    #expect(layout.blocks[0].host == structures.blocks[ram].host)
    #expect(layout.blocks[0].count == structures.blocks[ram].count)
    for range in structures.ranges where range.block == ram {
      let covering = layout.ranges.first { found in
        found.block == 0 && found.start <= range.start
          && range.start.rawValue - found.start.rawValue < found.count
      }
      let found = try #require(covering, "\(range.start)")
      let skip = range.start.rawValue - found.start.rawValue
      #expect(found.offset + skip == range.offset)
      #expect(skip + range.count <= found.count)
    }
    // All of the block, and no more.
    let total = layout.ranges.filter { $0.block == 0 }.reduce(0) { $0 + $1.count }
    #expect(total == structures.blocks[ram].count)
    if let firmware = layout.blocks.firstIndex(where: { $0.name == "firmware" }) {
      #expect(structures.blocks.contains { $0.host == layout.blocks[firmware].host })
    }
  }

  /// A guest whose first megabyte shows traces, and whose map is `map`.
  private static func guest(_ map: [(UInt64, UInt64, UInt32)]) -> SyntheticMachine {
    var machine = SyntheticMachine()
    machine.setByte(SyntheticMachine.guest + 0x413, 0x7f)
    machine.setByte(SyntheticMachine.guest + 0x414, 0x02)
    for (index, entry) in map.enumerated() {
      let place = SyntheticMachine.guest + 0x9010 + UInt64(index) * 20
      for (offset, value) in [(UInt64(0), entry.0), (8, entry.1)] {
        machine.setLong(place + offset, UInt32(truncatingIfNeeded: value))
        machine.setLong(place + offset + 4, UInt32(truncatingIfNeeded: value >> 32))
      }
      machine.setLong(place + 16, entry.2)
    }
    return machine
  }

  private static let low: [(UInt64, UInt64, UInt32)] = [
    (0, 0x9fc00, 1), (0x9fc00, 0x400, 2), (0xf0000, 0x10000, 2),
  ]

  @Test func smallMemoryIsSplitNowhere() throws {
    let layout = try Self.guest([]).search(guestMapping: 1 << 30).layout
    #expect(layout.ranges.map(\.count) == [1 << 30])
    #expect(layout.diagnostics.count == 1)
  }

  @Test func splitByTheFirmwaresMap() throws {
    let map =
      Self.low + [
        (0x10_0000, 0x7fee_0000, 1), (0x7ffe_0000, 0x2_0000, 2), (0xb000_0000, 0x1000_0000, 2),
        (1 << 32, 0x8000_0000, 1),
      ]
    let layout = try Self.guest(map).search(guestMapping: 4 << 30).layout
    #expect(layout.ranges.map(\.start.rawValue) == [0, 1 << 32])
    #expect(layout.ranges.map(\.count) == [2 << 30, 2 << 30])
    #expect(layout.ranges.map(\.offset) == [0, 2 << 30])
  }

  @Test func withoutAMapTheSplitIsAmbiguous() {
    #expect(
      throws: MachineSearchError.ambiguous(
        what: "where memory is split",
        candidates: [
          "0x7e0000000000:0xc0000000@0x0 and 0x7e00c0000000:0x40000000@0x100000000",
          "0x7e0000000000:0x80000000@0x0 and 0x7e0080000000:0x80000000@0x100000000",
        ])
    ) { try Self.guest([]).search(guestMapping: 4 << 30) }
  }

  @Test func aMapThatFitsNoMappingIsAmbiguous() {
    // As much again above 4 GiB as there is: another block must be there.
    let map = Self.low + [(0x10_0000, 0x7ff0_0000, 1), (1 << 32, 0x8000_0000, 1)]
    #expect(
      throws: MachineSearchError.ambiguous(
        what: "which mappings make up the memory that firmware saw",
        candidates: ["0x7e0000000000:0x40000000"])
    ) { try Self.guest(map).search(guestMapping: 1 << 30) }
  }

  @Test func nothingIsNoMemory() {
    #expect(throws: MachineSearchError.noMemory) {
      try SyntheticMachine().search(guestMapping: 1 << 30)
    }
  }
}
