import Bytes
import TestWorlds
import Testing

@testable import Targets

@Suite struct JITInterfaceTests {
  /// A descriptor at 0x1000, and entries at 0x2000, 0x2100, …, each with the next one's address; each
  /// one's image is at 0x10 times its own address, 64 bytes long.
  private func interface(version: UInt32 = 1, first: UInt64, next: [UInt64]) -> JITInterface {
    var memory = SparseMemory()
    memory.write(little(version) + little(UInt32(0)), at: 0x1000)
    memory.write(words: [0, first], at: 0x1008)
    for (index, following) in next.enumerated() {
      let address = 0x2000 + UInt64(index) * 0x100
      memory.write(words: [following], at: address)
      memory.write(words: [0], at: address + 8)
      memory.write(words: [address * 0x10], at: address + 16)
      memory.write(words: [64], at: address + 24)
    }
    return JITInterface(descriptor: VirtualAddress(0x1000), in: memory)
  }

  private func entry(_ address: UInt64) -> JITInterface.Entry {
    JITInterface.Entry(address: VirtualAddress(address), size: 64)
  }

  @Test func listsEntriesInOrder() {
    let list = interface(first: 0x2000, next: [0x2100, 0])
    #expect(list.entries == [entry(0x20000), entry(0x21000)])
    #expect(list.damage == nil)
  }

  @Test func nothingRegistered() {
    #expect(interface(first: 0, next: []).entries == [])
    let untouched = interface(version: 0, first: 0, next: [])
    #expect(untouched.entries == [] && untouched.damage == nil)
  }

  @Test func aCircleEndsTheList() {
    let list = interface(first: 0x2000, next: [0x2100, 0x2000])
    #expect(list.entries.count == 2)
    #expect(list.damage == "the list of JIT images leads back to 0x2000")
  }

  @Test func aWildPointerEndsTheList() {
    let list = interface(first: 0x2000, next: [0x9999_0000])
    #expect(list.entries == [entry(0x20000)])
    #expect(
      list.damage == "the list of JIT images can't be followed: nothing is mapped at 0x99990010")
  }

  @Test func anUnknownVersionIsNotFollowed() {
    let list = interface(version: 2, first: 0x2000, next: [0])
    #expect(list.entries == [])
    #expect(list.damage == "the list of JIT images has the unknown version 2")
  }
}
