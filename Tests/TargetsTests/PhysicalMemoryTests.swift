import Bytes
import Targets
import Testing

@Suite struct PhysicalMemoryTests {
  private func segment(
    _ start: UInt64, _ bytes: [UInt8]
  ) -> PhysicalSegment {
    PhysicalSegment(
      start: PhysicalAddress(start), count: UInt64(bytes.count),
      contents: .bytes(ByteView(copying: bytes)))
  }

  @Test func readsAcrossBytesAndZeros() throws {
    let memory = PhysicalMemory([
      segment(0x10, [1, 2, 3, 4]),
      PhysicalSegment(start: PhysicalAddress(0x14), count: 4, contents: .zeros),
    ])
    #expect(try memory.word(at: PhysicalAddress(0x10)) == 0x0403_0201)
  }

  @Test func missingBytesAreNamed() {
    let memory = PhysicalMemory([
      segment(0x10, [1, 2, 3, 4]),
      PhysicalSegment(
        start: PhysicalAddress(0x14), count: 4, contents: .absent(.truncated)),
    ])
    #expect(throws: PhysicalFault(address: PhysicalAddress(0x14), reason: .truncated)) {
      try memory.read(PhysicalAddress(0x12), count: 4)
    }
    #expect(throws: PhysicalFault(address: PhysicalAddress(0x18), reason: .unmapped)) {
      try memory.read(PhysicalAddress(0x18), count: 1)
    }
    // A count that lies allocates nothing.
    #expect(throws: PhysicalFault.self) {
      try memory.read(PhysicalAddress(0x10), count: .max)
    }
  }

  @Test func runsCoverARangeWithoutGaps() {
    let memory = PhysicalMemory([segment(0x10, [1, 2]), segment(0x20, [3])])
    var seen: [String] = []
    memory.forEachRun(in: PhysicalAddress(0)..<PhysicalAddress(0x30)) { address, run in
      seen.append("\(address)+\(run.count)")
    }
    #expect(seen == ["0x0+16", "0x10+2", "0x12+14", "0x20+1", "0x21+15"])
  }

  @Test func overlapsShowTheSegmentThatStartsFirst() throws {
    let memory = PhysicalMemory([segment(0x12, [9, 9, 9, 9]), segment(0x10, [1, 2, 3, 4])])
    #expect(
      try memory.read(PhysicalAddress(0x10), count: 6).copy() == [1, 2, 3, 4, 9, 9])
  }
}
