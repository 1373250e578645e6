import Bytes
import Testing

@testable import Targets

@Suite struct LinkMapTests {
  /// `r_debug` at 0x1000, whose list begins at `first`, and entries at 0x2000, 0x2100, …, each with
  /// the next address, and a name at 0x3000.
  private func memory(first: UInt64, next: [UInt64]) -> AddressSpace {
    var debug = [UInt8](repeating: 0, count: 40)
    debug.replaceSubrange(8..<16, with: bytes(first))
    var entries: [UInt8] = []
    for (index, following) in next.enumerated() {
      var entry = bytes(UInt64(index) * 0x10000) + bytes(0x3000) + bytes(0x5000)
      entry += bytes(following) + bytes(0)
      entries += entry + [UInt8](repeating: 0, count: 0x100 - entry.count)
    }
    let name = Array("/lib/x.so\0".utf8)
    return AddressSpace(layers: [
      [
        region(0x1000, debug), region(0x2000, entries), region(0x3000, name),
      ]
    ])
  }

  private func bytes(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  private func region(_ start: UInt64, _ bytes: [UInt8]) -> MemoryRegion {
    MemoryRegion(
      start: VirtualAddress(start), count: UInt64(bytes.count),
      contents: .dumped(ByteView(copying: bytes)))
  }

  private func list(_ memory: AddressSpace) -> (entries: [LinkMapEntry], end: String?) {
    LinkMapEntry.list(fromDebugStructure: VirtualAddress(0x1000), in: memory)
  }

  @Test func listsEntriesInOrder() {
    let (entries, end) = list(memory(first: 0x2000, next: [0x2100, 0]))
    #expect(end == nil)
    #expect(entries.map(\.bias) == [0, 0x10000])
    #expect(entries.map(\.path) == ["/lib/x.so", "/lib/x.so"])
    #expect(entries.map(\.dynamicSection) == [VirtualAddress(0x5000), VirtualAddress(0x5000)])
  }

  @Test func aCircleEndsTheList() {
    let (entries, end) = list(memory(first: 0x2000, next: [0x2100, 0x2000]))
    #expect(entries.count == 2)
    #expect(end == "the link map leads back to 0x2000")
  }

  @Test func aWildPointerEndsTheList() {
    let (entries, end) = list(memory(first: 0x2000, next: [0x9999_0000]))
    #expect(entries.count == 1)
    #expect(end == "the link map can't be followed: nothing is mapped at 0x99990008")
  }
}
