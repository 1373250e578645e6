import Bytes
import MachineDumps
import Targets
import Testing

@Suite struct GuestBlockTests {
  private func blocks(
    _ map: [MemoryMapEntry], in range: Range<PhysicalAddress>? = nil
  ) -> [[UInt64]] {
    Machine(memory: PhysicalMemory([]), map: map, cpus: []).dumpedBlocks(in: range)
      .map { [$0.start.rawValue, $0.count] }
  }

  private let entry = SyntheticMachine.entry

  /// As on a PC, where shadowed ROM divides low memory: `info mtree -f` shows three ranges of
  /// pc.ram, of which the dump makes one.
  @Test func neighboursInOneBlockAreOneWhetherWritableOrNot() {
    #expect(
      blocks([
        entry(0, 0xa_0000, .ram, "pc.ram", 0), entry(0xc_0000, 0x1_0000, .rom, "pc.ram", 0xc_0000),
        entry(0xd_0000, 0x3_0000, .ram, "pc.ram", 0xd_0000),
        entry(0x10_0000, 0x10_0000, .ram, "pc.ram", 0x10_0000),
      ]) == [[0, 0xa_0000], [0xc_0000, 0x14_0000]])
  }

  @Test func neighboursOfOtherBlocksOrPlacesStayApart() {
    #expect(
      blocks([
        entry(0, 0x1000, .ram, "a", 0), entry(0x1000, 0x1000, .ram, "b", 0x1000),
        entry(0x2000, 0x1000, .ram, "b", 0x4000), entry(0x3000, 0x1000, .ram, nil, 0),
        entry(0x4000, 0x1000, .ram, nil, 0x1000),
      ]) == (0..<5).map { [$0 * 0x1000, 0x1000] })
  }

  @Test func devicesAreNotDumped() {
    #expect(
      blocks([
        entry(0, 0x1000, .ram, "a", 0), entry(0x1000, 0x1000, .ramDevice, "a", 0x1000),
        entry(0x2000, 0x1000, .nonvolatile, "a", 0x2000),
        entry(0x3000, 0x1000, .romDevice, "a", 0x3000), entry(0x4000, 0x1000, .rom, "a", 0x4000),
      ]) == [[0, 0x1000], [0x2000, 0x1000], [0x4000, 0x1000]])
  }

  @Test func aRangeCutsAndDrops() {
    let map = [entry(0, 0x3000, .ram, "a", 0), entry(0x8000, 0x1000, .ram, "a", 0x8000)]
    #expect(
      blocks(map, in: PhysicalAddress(0x1234)..<PhysicalAddress(0x8010))
        == [[0x1234, 0x1dcc], [0x8000, 0x10]])
    #expect(blocks(map, in: PhysicalAddress(0x3000)..<PhysicalAddress(0x8000)) == [])
  }

  @Test func mapsThatLieStillGiveAscendingBlocks() {
    #expect(
      blocks([
        entry(0, 0x3000, .ram, "a", 0), entry(0x1000, 0x1000, .ram, "b", 0),
        entry(0x2000, 0x2000, .ram, "c", 0), entry(.max - 0xfff, 0x2000, .ram, "d", 0),
      ]) == [[0, 0x3000], [0x3000, 0x1000], [.max - 0xfff, 0xfff]])
  }
}
