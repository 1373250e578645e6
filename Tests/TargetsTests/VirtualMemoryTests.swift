import Bytes
import Targets
import TestWorlds
import Testing

@Suite struct VirtualMemoryTests {
  private static let base: UInt64 = 0xffff_8880_0000_0000

  /// Three pages in a row that lie apart, and one behind them that was left out of the dump.
  private func world() -> (PageTableWorld, VirtualMemory) {
    var world = PageTableWorld(.fourLevel)
    let pages = (0..<3).map { _ in world.allocatePage() }
    for (index, page) in [pages[2], pages[0], pages[1]].enumerated() {
      world.write([UInt8](repeating: UInt8(index + 1), count: 4096), at: page)
      world.map(Self.base + UInt64(index) << 12, entry: page | 7)
    }
    world.map(Self.base + 0x3000, entry: 0x4000_0000 | 7)
    world.map(Self.base + 0x4000, entry: 0x4000_1000 | 7)
    let view = world.view
    let memory = PhysicalMemory([
      PhysicalSegment(
        start: PhysicalAddress(world.start), count: UInt64(view.count), contents: .bytes(view)),
      PhysicalSegment(
        start: PhysicalAddress(0x4000_0000), count: 0x1000, contents: .absent(.excluded)),
      PhysicalSegment(start: PhysicalAddress(0x4000_1000), count: 0x800, contents: .zeros),
    ])
    return (world, VirtualMemory(memory, world.tables(.fourLevel)))
  }

  @Test func readsAcrossPages() throws {
    let (_, memory) = world()
    let start = VirtualAddress(Self.base)
    for _ in 0..<2 {
      #expect(try memory.read(start &+ 0xffe, count: 4).copy() == [1, 1, 2, 2])
      #expect(try memory.word(at: start &+ 0x1ffc) == 0x0303_0303_0202_0202)
      #expect(try memory.read(start, count: 0x3000).copy()[0x2fff] == 3)
      #expect(try memory.load(UInt16.self, at: start &+ 0x1000) == 0x0202)
      #expect(try memory.read(start, count: 0).isEmpty)
    }
  }

  @Test func physicallyContiguousBytesAreNotCopied() throws {
    let (_, memory) = world()
    // The second and the third page follow each other in memory.
    let both = try memory.read(VirtualAddress(Self.base + 0x1800), count: 0x1000)
    let one = try memory.read(VirtualAddress(Self.base + 0x1800), count: 1)
    #expect(both.storage === one.storage)
    #expect(both.storageOffset == one.storageOffset)
  }

  @Test func faultsTellTheFirstMissingByteAndWhy() {
    let (_, memory) = world()
    let start = VirtualAddress(Self.base)
    #expect(throws: MemoryFault(address: start &+ 0x3000, reason: .excluded)) {
      try memory.read(start &+ 0x2ff0, count: 0x20)
    }
    #expect(throws: MemoryFault(address: start &+ 0x3010, reason: .excluded)) {
      try memory.word(at: start &+ 0x3010)
    }
    // Half a page of zeros, then nothing.
    #expect(throws: MemoryFault(address: start &+ 0x4800, reason: .unmapped)) {
      try memory.read(start &+ 0x47f8, count: 16)
    }
    #expect(throws: Never.self) { try memory.word(at: start &+ 0x47f8) }
    #expect(throws: MemoryFault(address: start &+ 0x5000, reason: .unmapped)) {
      try memory.word(at: start &+ 0x5000)
    }
    #expect(throws: MemoryFault(address: VirtualAddress(1 << 50), reason: .unmapped)) {
      try memory.word(at: VirtualAddress(1 << 50))
    }
  }

  @Test func sizesThatLieAllocateNothing() {
    let (base, memory) = world()
    #expect(throws: MemoryFault.self) {
      try memory.read(VirtualAddress(Self.base), count: .max)
    }
    #expect(throws: MemoryFault.self) { try memory.read(VirtualAddress(.max), count: 2) }
    // 512 GiB of virtual memory, all of them one large page: no more than `readLimit` is read.
    var world = base
    let directory = world.allocatePage()
    for index in 0..<UInt64(512) { world.set(index, of: directory, to: 0x4000_0000 | 0x83) }
    world.set(1, of: world.root, to: directory | 7)
    let loop = VirtualMemory(world.memory, world.tables(.fourLevel))
    #expect(throws: MemoryFault(address: VirtualAddress(0x80_4000_0000), reason: .unmapped)) {
      try loop.read(VirtualAddress(0x80_0000_0000), count: 1 << 39)
    }
  }

  @Test func threadsShareIt() async throws {
    let (_, memory) = world()
    await withTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask {
          var right = 0
          for step in 0..<5000 {
            let page = UInt64((step + task) % 3)
            let address = VirtualAddress(Self.base + page << 12 + UInt64(step) & 0xfff)
            do throws(MemoryFault) {
              let byte = try memory.load(UInt8.self, at: address)
              if UInt64(byte) == page + 1 { right += 1 }
            } catch {
              return right
            }
          }
          return right
        }
      }
      for await right in group { #expect(right == 5000) }
    }
  }
}
