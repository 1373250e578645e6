import Bytes
import Symbols
import Targets
import TestWorlds
import Testing

@testable import LinuxGuest

/// Maple trees made by hand, in good order and damaged.
@Suite struct MapleTreeTests {
  private static let leaf: UInt64 = 1 << 3
  private static let inner: UInt64 = 3 << 3
  private static let last = UInt64.max

  private func tree(_ world: TaskWorld, root: UInt64, limit: Int = 1000) throws -> MapleTree {
    MapleTree(
      root: root, layouts: try MapleLayouts(world.kernel()), in: world.memory, limit: limit)
  }

  private func putLeaf(
    _ world: inout TaskWorld, at address: UInt64, pivots: [UInt64], slots: [UInt64]
  ) {
    put(&world, at: address, pivots: pivots, slots: slots, pivotCount: 15)
  }

  private func put(
    _ world: inout TaskWorld, at address: UInt64, pivots: [UInt64], slots: [UInt64],
    pivotCount: UInt64
  ) {
    for (index, pivot) in pivots.enumerated() {
      world.put(pivot, at: address + 8 + UInt64(index) * 8)
    }
    let start = address + 8 + pivotCount * 8
    for (index, slot) in slots.enumerated() { world.put(slot, at: start + UInt64(index) * 8) }
  }

  /// Two leaves below a node with gaps; the second one's last slot has no pivot.
  private func world() -> TaskWorld {
    var world = TaskWorld(pids: [])
    putLeaf(
      &world, at: 0x2_0000, pivots: [0xfff, 0x1fff, 0x2fff, 0x3fff],
      slots: [0, 0xa000, 0, 0xb000])
    putLeaf(&world, at: 0x2_0100, pivots: [0x4fff, 0x5fff], slots: [0xc000, 0xd000, 0])
    put(
      &world, at: 0x2_0200, pivots: [0x3fff], slots: [0x2_0000 | Self.leaf, 0x2_0100 | Self.leaf],
      pivotCount: 9)
    return world
  }

  private static let root = 0x2_0200 | inner | 2

  @Test func findsEntriesWithTheirRanges() throws {
    let tree = try tree(world(), root: Self.root)
    #expect(tree.damage == [])
    #expect(
      tree.entries == [
        MapleTree.Entry(first: 0x1000, last: 0x1fff, pointer: VirtualAddress(0xa000)),
        MapleTree.Entry(first: 0x3000, last: 0x3fff, pointer: VirtualAddress(0xb000)),
        MapleTree.Entry(first: 0x4000, last: 0x4fff, pointer: VirtualAddress(0xc000)),
        MapleTree.Entry(first: 0x5000, last: 0x5fff, pointer: VirtualAddress(0xd000)),
      ])
  }

  @Test func emptyAndSingleEntryTreesAreRead() throws {
    #expect(try tree(world(), root: 0).entries == [])
    #expect(
      try tree(world(), root: 0xa000).entries == [
        MapleTree.Entry(first: 0, last: 0, pointer: VirtualAddress(0xa000))
      ])
  }

  @Test func treeThatContainsItselfEnds() throws {
    var world = world()
    world.put(UInt64(Self.root & ~2), at: 0x2_0200 + 80 + 8)
    let tree = try tree(world, root: Self.root)
    #expect(tree.entries.count == 2)
    #expect(tree.damage.count == 1 && tree.damage[0].contains("comes twice"))
  }

  @Test func pivotsOutOfOrderCostTheRestOfTheirNode() throws {
    var world = world()
    world.put(UInt64(0x800), at: 0x2_0000 + 8 + 8)
    let tree = try tree(world, root: Self.root)
    #expect(tree.entries.map(\.pointer.rawValue) == [0xc000, 0xd000])
    #expect(tree.damage.count == 1 && tree.damage[0].contains("pivot 1 is 0x800"))
  }

  @Test func missingNodeCostsOnlyItself() throws {
    var world = world()
    world.put(UInt64(0x7fff_0000_0000 | Self.leaf), at: 0x2_0200 + 80)
    let tree = try tree(world, root: Self.root)
    #expect(tree.entries.map(\.pointer.rawValue) == [0xc000, 0xd000])
    #expect(tree.damage.count == 1)
  }

  @Test func replacedNodeAndUnknownTypeAreTold() throws {
    var world = world()
    world.put(UInt64(0x2_0000), at: 0x2_0000)
    world.put(UInt64(0x2_0100 | 9 << 3), at: 0x2_0200 + 80 + 8)
    let tree = try tree(world, root: Self.root)
    #expect(tree.entries.count == 2)
    #expect(tree.damage.count == 2)
    #expect(tree.damage[0].contains("had been replaced"))
    #expect(tree.damage[1].contains("unknown type 9"))
  }

  @Test func entriesAreLimited() throws {
    let tree = try tree(world(), root: Self.root, limit: 3)
    #expect(tree.entries.count <= 3)
    #expect(!tree.damage.isEmpty)
  }
}
