import Bytes
import Targets
import TestWorlds
import Testing

extension PageTableWorld {
  var memory: PhysicalMemory {
    let view = view
    return PhysicalMemory([
      PhysicalSegment(
        start: PhysicalAddress(start), count: UInt64(view.count), contents: .bytes(view))
    ])
  }

  func tables(_ mode: X86PagingMode, encryptionMask: UInt64 = 0, physicalBits: UInt64 = 52)
    -> X86PageTables
  {
    X86PageTables(
      root: PhysicalAddress(root), mode: mode, encryptionMask: encryptionMask,
      physicalBits: physicalBits)
  }
}

extension X86PageTables {
  func place(_ address: UInt64, _ world: PageTableWorld) throws(PageFault) -> PageTranslation {
    try translate(VirtualAddress(address), in: world.memory)
  }
}

@Suite struct PageTableTests {
  @Test func translatesPagesOfEverySizeIn4LevelTables() throws {
    var world = PageTableWorld(.fourLevel)
    world.map(0x7fff_1234_5000, entry: 0x1_2345_6000 | 7)
    world.map(0xffff_ffff_8100_0000, depth: 2, entry: 0x4000_0000 | 0x83)
    world.map(0xffff_8880_0000_0000, depth: 1, entry: 0x1_4000_0000 | 0x83 | 1 << 63)
    let tables = world.tables(.fourLevel)
    #expect(
      try tables.place(0x7fff_1234_5678, world)
        == PageTranslation(
          physical: PhysicalAddress(0x1_2345_6678), pageSize: 4096,
          permissions: [.write, .user, .execute]))
    #expect(
      try tables.place(0xffff_ffff_811f_edcb, world)
        == PageTranslation(
          physical: PhysicalAddress(0x401f_edcb), pageSize: 2 << 20,
          permissions: [.write, .execute]))
    #expect(
      try tables.place(0xffff_8880_3fff_ffff, world)
        == PageTranslation(
          physical: PhysicalAddress(0x1_7fff_ffff), pageSize: 1 << 30, permissions: [.write]))
  }

  @Test func translates5LevelTables() throws {
    var world = PageTableWorld(.fiveLevel)
    world.map(0xff11_0000_0000_1000, entry: 0x5000 | 1)
    let tables = world.tables(.fiveLevel)
    #expect(
      try tables.place(0xff11_0000_0000_1fff, world)
        == PageTranslation(
          physical: PhysicalAddress(0x5fff), pageSize: 4096, permissions: [.execute]))
    #expect(throws: PageFault.nonCanonical(VirtualAddress(0x0100_0000_0000_0000))) {
      try tables.place(0x0100_0000_0000_0000, world)
    }
  }

  @Test func translates32BitTables() throws {
    var world = PageTableWorld(.twoLevel)
    world.map(0xc012_3000, entry: 0x0765_4000 | 5)
    // Bits 20–13 of the entry are bits 39–32 of the address: 0x92.
    world.map(0x0040_0000, depth: 0, entry: 0x0180_0000 | 0x92 << 13 | 0x83)
    #expect(
      try world.tables(.bits32).place(0xc012_3abc, world)
        == PageTranslation(
          physical: PhysicalAddress(0x0765_4abc), pageSize: 4096, permissions: [.user, .execute]))
    #expect(
      try world.tables(.bits32PSE).place(0x0041_2345, world)
        == PageTranslation(
          physical: PhysicalAddress(0x92_0181_2345), pageSize: 4 << 20,
          permissions: [.write, .execute]))
    // Without CR4.PSE bit 7 means nothing, and the entry names a table where no memory is.
    #expect(throws: PageFault.self) { try world.tables(.bits32).place(0x0041_2345, world) }
    #expect(throws: PageFault.nonCanonical(VirtualAddress(0x1_0000_0000))) {
      try world.tables(.bits32).place(0x1_0000_0000, world)
    }
  }

  @Test func translatesPAETables() throws {
    var world = PageTableWorld(.pae)
    world.map(0xc000_0000, depth: 1, entry: 0x12_3460_0000 | 0xe7)
    world.map(0x0000_1000, entry: 0xf_0000_2000 | 1 << 63 | 3)
    let tables = world.tables(.pae)
    #expect(
      try tables.place(0xc001_0203, world)
        == PageTranslation(
          physical: PhysicalAddress(0x12_3461_0203), pageSize: 2 << 20,
          permissions: [.write, .user, .execute]))
    #expect(
      try tables.place(0x1004, world)
        == PageTranslation(
          physical: PhysicalAddress(0xf_0000_2004), pageSize: 4096, permissions: [.write]))
    // The first table stands at a multiple of 32: CR3's bits 11–5 count.
    let inner = X86PageTables(root: PhysicalAddress(world.root + 0x60), mode: .pae)
    #expect(inner.root == PhysicalAddress(world.root + 0x60))
  }

  @Test func permissionsAreThoseThatAllLevelsGive() throws {
    var world = PageTableWorld(.fourLevel)
    world.map(0x1000, entry: 0x5000 | 7)
    let place = world.entryAddress(for: 0x1000, depth: 1)
    let entry = world.read(place, count: 8)
    // No writing and no execution below the second level.
    world.write([entry[0] & ~2] + entry[1..<7] + [0x80], at: place)
    #expect(try world.tables(.fourLevel).place(0x1000, world).permissions == [.user])
  }

  @Test func faultsNameLevelTableAndEntry() throws {
    var world = PageTableWorld(.fourLevel)
    world.map(0x20_0000, entry: 0x5000 | 7)
    let tables = world.tables(.fourLevel)
    let directory = world.entryAddress(for: 0x40_0000, depth: 2)
    let place = PhysicalAddress(directory)
    #expect(
      throws: PageFault.notPresent(
        VirtualAddress(0x40_0000), PageTableEntry(level: "PD", location: place, value: 0))
    ) { try tables.place(0x40_0000, world) }
    // What is swapped out has a value, but isn't present.
    world.map(0x40_0000, depth: 2, entry: 0xabc0)
    #expect(
      throws: PageFault.notPresent(
        VirtualAddress(0x40_0000), PageTableEntry(level: "PD", location: place, value: 0xabc0))
    ) { try tables.place(0x40_0000, world) }
    // A large page's address must be a multiple of its size.
    world.map(0x40_0000, depth: 2, entry: 0x4000_2083)
    #expect(
      throws: PageFault.reservedBits(
        VirtualAddress(0x40_0000),
        PageTableEntry(level: "PD", location: place, value: 0x4000_2083), bits: 0x2000)
    ) { try tables.place(0x40_0000, world) }
    world.map(0x40_0000, depth: 2, entry: 0xdead_b000 | 3)
    #expect(
      throws: PageFault.unreadable(
        VirtualAddress(0x40_0000), level: "PT",
        PhysicalFault(address: PhysicalAddress(0xdead_b000), reason: .unmapped))
    ) { try tables.place(0x40_0000, world) }
    #expect(throws: PageFault.nonCanonical(VirtualAddress(0x8000_0000_0000))) {
      try tables.place(0x8000_0000_0000, world)
    }
  }

  @Test func encryptionBitIsNoPartOfTheAddress() throws {
    let mask: UInt64 = 1 << 51
    var world = PageTableWorld(.fourLevel)
    world.map(0x1000, entry: 0x5000 | mask | 7)
    let tables = world.tables(.fourLevel, encryptionMask: mask, physicalBits: 40)
    #expect(try tables.place(0x1234, world).physical == PhysicalAddress(0x5234))
    let plain = world.tables(.fourLevel, physicalBits: 40)
    #expect(throws: PageFault.self) { try plain.place(0x1234, world) }
    #expect(
      X86PageTables(root: PhysicalAddress(0x7000 | mask), mode: .fourLevel, encryptionMask: mask)
        .root == PhysicalAddress(0x7000))
  }

  @Test func encryptionBitIsInferred() throws {
    let mask: UInt64 = 1 << 47
    var world = PageTableWorld(.fourLevel)
    world.map(0x1000, entry: 0x5000 | mask | 7)
    #expect(world.tables(.fourLevel).inferringEncryption(in: world.memory).encryptionMask == 0)
    // Every entry that names a table carries the bit.
    let tables = (0..<3).map { world.start + 0x1000 * ($0 + 1) }
    world.set(0, of: world.root, to: tables[0] | mask | 7)
    world.set(0, of: tables[0], to: tables[1] | mask | 7)
    world.set(0, of: tables[1], to: tables[2] | mask | 7)
    let cr3 = PhysicalAddress(world.root | mask)
    let inferred = X86PageTables(root: cr3, mode: .fourLevel)
      .inferringEncryption(in: world.memory)
    #expect(inferred.encryptionMask == mask)
    #expect(inferred.root == PhysicalAddress(world.root))
    #expect(try inferred.place(0x1234, world).physical == PhysicalAddress(0x5234))
  }

  @Test func registersSelectTheMode() throws {
    var cpu = X86CPUState()
    #expect(X86PageTables(cpu: cpu) == nil)
    cpu.cr0 = 0x11
    #expect(X86PageTables(cpu: cpu)?.mode == X86PagingMode.none)
    cpu.cr0 = 0x8000_0011
    cpu.cr3 = 0x1abc_d018
    #expect(X86PageTables(cpu: cpu) == nil)
    cpu.cr4 = 0
    #expect(X86PageTables(cpu: cpu)?.mode == .bits32)
    #expect(X86PageTables(cpu: cpu)?.root == PhysicalAddress(0x1abc_d000))
    cpu.cr4 = 0x10
    #expect(X86PageTables(cpu: cpu)?.mode == .bits32PSE)
    cpu.cr4 = 0x30
    #expect(X86PageTables(cpu: cpu) == nil)
    cpu[.efer] = 0
    #expect(X86PageTables(cpu: cpu)?.mode == .pae)
    #expect(X86PageTables(cpu: cpu)?.root == PhysicalAddress(0x1abc_d000))
    cpu[.efer] = 0xd01
    #expect(X86PageTables(cpu: cpu)?.mode == .fourLevel)
    cpu.cr4 = 0x1030
    #expect(X86PageTables(cpu: cpu)?.mode == .fiveLevel)
    let identity = try #require(X86PageTables(cpu: X86CPUState(realMode: ())))
    let memory = PhysicalMemory([])
    #expect(
      try identity.translate(VirtualAddress(0xffff_fff0), in: memory).physical
        == PhysicalAddress(0xffff_fff0))
    #expect(throws: PageFault.self) {
      try identity.translate(VirtualAddress(0x1_0000_0000), in: memory)
    }
  }

  /// Memory full of garbage, and tables that are garbage: every walk ends, and none traps.
  @Test(arguments: X86PagingMode.allCases) func garbageEndsEveryWalk(_ mode: X86PagingMode) {
    var random = RepeatableRandom(seed: 7)
    let words = (0..<8192).flatMap { _ -> [UInt8] in
      // Often present, and often within the memory that there is.
      let value = random.next()
      return little(value & 3 == 0 ? value : value & 0x8000_0000_0000_ffff | 1)
    }
    let memory = PhysicalMemory([
      PhysicalSegment(
        start: PhysicalAddress(0), count: UInt64(words.count),
        contents: .bytes(ByteView(copying: words)))
    ])
    var ends: [Bool: Int] = [:]
    for _ in 0..<20_000 {
      let tables = X86PageTables(
        root: PhysicalAddress(random.next() & 0xffff), mode: mode,
        encryptionMask: random.next() & 1 == 0 ? 0 : 1 << 47, physicalBits: random.next() & 63)
      let address = VirtualAddress(tables.canonicalForTests(random.next()))
      do throws(PageFault) {
        _ = try tables.translate(address, in: memory)
        ends[true, default: 0] += 1
      } catch {
        #expect(error.address == address)
        ends[false, default: 0] += 1
      }
    }
    #expect(ends.values.reduce(0, +) == 20_000)
    #expect(mode == .none || ends[false, default: 0] > 0)
  }
}

extension X86CPUState {
  init(realMode: Void) {
    self.init()
    cr0 = 0x10
  }
}

extension X86PageTables {
  /// An address of this mode.
  func canonicalForTests(_ bits: UInt64) -> UInt64 {
    switch mode {
    case .none, .bits32, .bits32PSE, .pae: bits & 0xffff_ffff
    case .fourLevel: UInt64(bitPattern: Int64(bitPattern: bits) >> 16)
    case .fiveLevel: UInt64(bitPattern: Int64(bitPattern: bits) >> 7)
    }
  }
}
