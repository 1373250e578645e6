import Bytes
import Testing

@testable import Targets

@Suite struct AddressSpaceTests {
  /// A region of `count` bytes that all have the value `fill`.
  private func dumped(_ start: UInt64, _ count: Int, fill: UInt8) -> MemoryRegion {
    MemoryRegion(
      start: VirtualAddress(start), count: UInt64(count),
      contents: .dumped(ByteView(copying: [UInt8](repeating: fill, count: count))))
  }

  private func absent(
    _ start: UInt64, _ count: UInt64, _ reason: MemoryFault.Reason
  ) -> MemoryRegion {
    MemoryRegion(start: VirtualAddress(start), count: count, contents: .absent(reason))
  }

  private func fault(_ space: AddressSpace, at address: UInt64) -> MemoryFault? {
    do throws(MemoryFault) {
      _ = try space.word(at: VirtualAddress(address))
      return nil
    } catch {
      return error
    }
  }

  @Test func readsAcrossNeighbouringRegions() throws {
    let space = AddressSpace(layers: [[dumped(0x1004, 4, fill: 2), dumped(0x1000, 4, fill: 1)]])
    #expect(try space.word(at: VirtualAddress(0x1000)) == 0x0202_0202_0101_0101)
    #expect(try space.read(VirtualAddress(0x1003), count: 2).copy() == [1, 2])
  }

  @Test func missingMemorySaysWhy() {
    let space = AddressSpace(layers: [
      [dumped(0x1000, 16, fill: 0)],
      [absent(0x1010, 16, .truncated), absent(0x1020, 16, .excluded)],
    ])
    #expect(fault(space, at: 0x1008) == nil)
    #expect(
      fault(space, at: 0x100c) == MemoryFault(address: VirtualAddress(0x1010), reason: .truncated))
    #expect(
      fault(space, at: 0x1020) == MemoryFault(address: VirtualAddress(0x1020), reason: .excluded))
    #expect(
      fault(space, at: 0x1030) == MemoryFault(address: VirtualAddress(0x1030), reason: .unmapped))
    #expect(
      fault(space, at: 0x0) == MemoryFault(address: VirtualAddress(0), reason: .unmapped))
  }

  @Test func earlierLayersHideLaterOnes() throws {
    let space = AddressSpace(layers: [
      [dumped(0x1010, 0x10, fill: 1), dumped(0x1030, 0x10, fill: 3)],
      [dumped(0x1000, 0x60, fill: 9)],
    ])
    let starts = space.regions.map(\.start.rawValue)
    #expect(starts == [0x1000, 0x1010, 0x1020, 0x1030, 0x1040])
    #expect(try space.read(VirtualAddress(0x100f), count: 2).copy() == [9, 1])
    #expect(try space.read(VirtualAddress(0x101f), count: 2).copy() == [1, 9])
    #expect(try space.read(VirtualAddress(0x105f), count: 1).copy() == [9])
    #expect(throws: MemoryFault.self) { try space.read(VirtualAddress(0x105f), count: 2) }
  }

  @Test func overlapsInOneLayerAreCut() throws {
    let space = AddressSpace(layers: [
      [dumped(0x1008, 0x10, fill: 2), dumped(0x1000, 0x10, fill: 1), dumped(0x1002, 2, fill: 7)]
    ])
    #expect(space.regions.map(\.start.rawValue) == [0x1000, 0x1010])
    #expect(space.regions.map(\.count) == [0x10, 8])
    #expect(try space.read(VirtualAddress(0x100f), count: 2).copy() == [1, 2])
  }

  @Test func theTopOfTheSpaceIsReached() throws {
    let space = AddressSpace(layers: [[dumped(.max - 7, 8, fill: 5)]])
    #expect(try space.word(at: VirtualAddress(.max - 7)) == 0x0505_0505_0505_0505)
    #expect(throws: MemoryFault.self) { try space.word(at: VirtualAddress(.max - 6)) }
  }

  @Test func regionsThatWrapRoundAreDropped() {
    let wrapping = absent(.max - 3, 16, .excluded)
    #expect(AddressSpace(layers: [[wrapping, absent(0, 0, .excluded)]]).regions.isEmpty)
  }

  @Test func hugeReadsAllocateNothingBeforeTheyAreCovered() {
    let space = AddressSpace(layers: [[dumped(0x1000, 16, fill: 0)]])
    #expect(throws: MemoryFault.self) { try space.read(VirtualAddress(0x1000), count: .max / 2) }
  }
}
