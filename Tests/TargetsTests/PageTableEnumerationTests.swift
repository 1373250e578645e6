import Bytes
import Targets
import TestWorlds
import Testing

@Suite struct PageTableEnumerationTests {
  private func mappings(
    _ world: PageTableWorld, _ mode: X86PagingMode,
    in range: ClosedRange<VirtualAddress> = X86PageTables.everywhere, tableLimit: Int = 1 << 20
  ) -> (all: [PageMapping], result: PageEnumeration) {
    var all: [PageMapping] = []
    let result = world.tables(mode).forEachMapping(
      in: range, of: world.memory, tableLimit: tableLimit
    ) { all.append($0) }
    return (all, result)
  }

  @Test func joinsNeighboursThatAreAlike() {
    var world = PageTableWorld(.fourLevel)
    world.map(0x1000, entry: 0x5000 | 7)
    world.map(0x2000, entry: 0x6000 | 7)
    world.map(0x3000, entry: 0x7000 | 5)
    world.map(0xffff_ffff_8000_0000, depth: 2, entry: 0x4000_0000 | 0x83)
    let (all, result) = mappings(world, .fourLevel)
    #expect(
      all == [
        PageMapping(
          virtual: VirtualAddress(0x1000), physical: PhysicalAddress(0x5000), count: 0x2000,
          pageSize: 4096, permissions: [.write, .user, .execute]),
        PageMapping(
          virtual: VirtualAddress(0x3000), physical: PhysicalAddress(0x7000), count: 0x1000,
          pageSize: 4096, permissions: [.user, .execute]),
        PageMapping(
          virtual: VirtualAddress(0xffff_ffff_8000_0000), physical: PhysicalAddress(0x4000_0000),
          count: 2 << 20, pageSize: 2 << 20, permissions: [.write, .execute]),
      ])
    #expect(result.tables == 6)
    let kernel = VirtualAddress(0xffff_8000_0000_0000)...VirtualAddress(.max)
    #expect(mappings(world, .fourLevel, in: kernel).all.map(\.virtual) == [all[2].virtual])
    #expect(mappings(world, .fourLevel, in: kernel).result.tables == 3)
    let page = VirtualAddress(0x2fff)...VirtualAddress(0x2fff)
    #expect(mappings(world, .fourLevel, in: page).all.map(\.virtual) == [VirtualAddress(0x2000)])
  }

  @Test func everyModeIsEnumerated() {
    for (shape, mode) in [
      (PageTableWorld.Shape.twoLevel, X86PagingMode.bits32), (.pae, .pae),
      (.fourLevel, .fourLevel), (.fiveLevel, .fiveLevel),
    ] {
      var world = PageTableWorld(shape)
      world.map(0x1000, entry: 0x5000 | 7)
      world.map(0xfff0_0000, entry: 0x9000 | 7)
      #expect(
        mappings(world, mode).all.map(\.virtual) == [
          VirtualAddress(0x1000), VirtualAddress(0xfff0_0000),
        ])
    }
  }

  @Test func tablesThatMapThemselvesEnd() {
    var world = PageTableWorld(.fourLevel)
    world.map(0x1000, entry: 0x5000 | 7)
    // Windows' way: one entry of the root names the root.
    world.set(0x1ed, of: world.root, to: world.root | 3)
    let (all, result) = mappings(world, .fourLevel)
    #expect(all.count == 1)
    #expect(result.selfReferences == 1)
    // All of them.
    for index in 0..<UInt64(512) { world.set(index, of: world.root, to: world.root | 3) }
    #expect(mappings(world, .fourLevel).result.selfReferences == 512)
    // A single translation goes round as often as there are levels.
    #expect(throws: Never.self) { try world.tables(.fourLevel).place(0x1000, world) }
  }

  @Test func tablesThatAreNamedAMillionTimesAreReadAFewTimes() {
    var world = PageTableWorld(.fourLevel)
    let tables = (0..<3).map { _ in world.allocatePage() }
    var upper = world.root
    for table in tables {
      for index in 0..<UInt64(512) { world.set(index, of: upper, to: table | 7) }
      upper = table
    }
    for index in 0..<UInt64(512) { world.set(index, of: upper, to: 0x9000 | 7) }
    let (_, result) = mappings(world, .fourLevel)
    // 2²⁷ page tables by what the entries say.
    #expect(result.tables == 1 + 8 + 8 + 8)
    #expect(result.repeats > 0)
    #expect(mappings(world, .fourLevel, tableLimit: 5).result.isCut)
  }

  @Test func whatCannotBeReadIsCounted() {
    var world = PageTableWorld(.fourLevel)
    world.map(0x1000, entry: 0x5000 | 7)
    world.map(0x40_0000, depth: 2, entry: 0xdead_b000 | 3)
    world.map(0x60_0000, depth: 2, entry: 0x4000_2083)
    let (all, result) = mappings(world, .fourLevel)
    #expect(all.count == 1)
    #expect(result.unreadable == 1)
    #expect(result.invalid == 1)
    #expect(result.firstFault?.address == PhysicalAddress(0xdead_b000))
  }
}
