import Bytes
import Targets
import TestWorlds
import Testing

@testable import LinuxGuest

@Suite struct PageFilterTests {
  /// One page of each sort.
  private static var everything: PageWorld {
    var world = PageWorld()
    world.describe(1)
    world.describe(2, flags: PageWorld.lru, mapping: 0x1000)
    world.describe(3, flags: PageWorld.lru | PageWorld.privateFlag, mapping: 0x1000)
    world.describe(4, flags: PageWorld.lru, mapping: 0x1000 | PageWorld.anonymous)
    world.describe(5, flags: PageWorld.swapCache | PageWorld.swapBacked)
    // Without the other bit this one means something else.
    world.describe(6, flags: PageWorld.swapCache)
    world.describe(7, flags: PageWorld.slab, mapping: PageWorld.anonymous)
    world.describe(8, type: PageWorld.buddy, private: 2)
    world.describe(12, flags: PageWorld.poisoned)
    world.describe(13, type: PageWorld.offline)
    // A slab's object where the type would be.
    world.describe(14, flags: PageWorld.slab, type: PageWorld.buddy)
    // No such order.
    world.describe(15, type: PageWorld.buddy, private: 11)
    world.compound(16, order: 2, flags: PageWorld.lru, mapping: PageWorld.anonymous)
    world.set(17, at: 17, UInt8(2))
    return world
  }

  @Test func eachLevelLeavesOutItsOwnPages() throws {
    let world = Self.everything
    let always: [UInt64: PageExclusion.Kind] = [12: .poisoned, 13: .offline]
    let cache: [UInt64: PageExclusion.Kind] = [2: .cache, 5: .cache]
    let user: [UInt64: PageExclusion.Kind] = [
      4: .user, 16: .user, 17: .user, 18: .user, 19: .user,
    ]
    let free: [UInt64: PageExclusion.Kind] = [8: .free, 9: .free, 10: .free, 11: .free]
    func merged(_ parts: [UInt64: PageExclusion.Kind]...) -> [UInt64: PageExclusion.Kind] {
      parts.reduce(always) { $0.merging($1) { first, _ in first } }
    }
    #expect(try world.excluded(.cache) == merged(cache))
    #expect(try world.excluded(.cacheWithPrivate) == merged(cache, [3: .cachePrivate]))
    #expect(try world.excluded(.user) == merged(user))
    #expect(try world.excluded(.free) == merged(free))
    #expect(try world.excluded(.all) == merged(cache, [3: .cachePrivate], user, free))
    #expect(try world.excluded([]) == always)
  }

  /// Where kernels keep a compound page's order and how they know hugetlbfs's, a case for each row.
  private static let variants:
    [(versions: String, lines: String, prepare: @Sendable (inout PageWorld) -> Void)] =
      [
        (
          "6.9 and later", "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=4093640704\n",
          {
            $0.set(17, at: 0, UInt64(3))
            $0.set(16, at: 48, UInt32(0xf400_0000))
          }
        ),
        (
          "6.6 to 6.8", "NUMBER(PG_hugetlb)=8\n",
          { $0.set(17, at: 0, UInt64(3 | 1 << 8)) }
        ),
        (
          "6.3 to 6.5",
          "OFFSET(folio._folio_order)=81\nOFFSET(folio._folio_dtor)=80\nNUMBER(HUGETLB_PAGE_DTOR)=2\n",
          {
            $0.set(17, at: 16, UInt8(2))
            $0.set(17, at: 17, UInt8(3))
          }
        ),
        (
          "4.16 to 6.2", PageWorld.compound,
          {
            $0.set(17, at: 16, UInt8(2))
            $0.set(17, at: 17, UInt8(3))
          }
        ),
      ]

  @Test func everyRowOfTheTableIsRead() throws {
    #expect(Self.variants.map(\.versions) == CompoundLayout.rows.map(\.versions))
    for variant in Self.variants {
      var world = PageWorld()
      world.lines = PageWorld.common + variant.lines
      world.compound(16, order: 3)
      variant.prepare(&world)
      let expected = Dictionary(
        uniqueKeysWithValues: (16..<24).map { (UInt64($0), PageExclusion.Kind.user) })
      #expect(try world.excluded(.user) == expected, "\(variant.versions)")
      // hugetlbfs's pages are no cache.
      #expect(try world.excluded(.cache) == [:], "\(variant.versions)")
    }
  }

  /// As 6.12 prints it, and as a negative number.
  @Test(arguments: ["4026531840", "-268435456"]) func typesAreThirtyTwoBits(
    _ text: String
  ) throws {
    var world = PageWorld()
    world.lines = PageWorld.common.replacing("=-129", with: "=\(text)")
    world.describe(8, type: 0xf000_0000, private: 1)
    #expect(try world.excluded(.free) == [8: .free, 9: .free])
  }

  /// No order makes pages before or behind a block disappear.
  @Test func aBlockThatIsNotAtAMultipleOfItsSizeIsOnePage() throws {
    var world = PageWorld()
    world.compound(18, order: 1, mapping: PageWorld.anonymous)
    world.set(19, at: 17, UInt8(9))
    #expect(try world.excluded(.user) == [18: .user])
    world.set(19, at: 17, UInt8(255))
    #expect(try world.excluded(.user) == [18: .user])
  }

  @Test func pagesWithoutDescriptorsStay() throws {
    var world = Self.everything
    // Descriptors behind the end of memory: none can be read.
    world.sectionMap = PageWorld.image + 0x200_0000 | 3
    let (machine, info) = world.build()
    let unread = try PageFilter(machine, info).excluded(at: .all)
    #expect(unread.pages.isEmpty && unread.undecided == 4096)
    // Those of the last half only.
    world.sectionMap = PageWorld.image + 0x100_0000 - 32 * 64 | 3
    let half = world.build()
    #expect(try PageFilter(half.machine, half.info).excluded(at: .all).undecided == 4096 - 32)
    // A section that isn't there.
    world.sectionMap = 0
    let absent = world.build()
    #expect(try PageFilter(absent.machine, absent.info).excluded(at: .all).undecided == 4096)
  }

  /// What a map claims beyond the kernel's memory costs no time.
  @Test func aMapThatClaimsEverythingEnds() throws {
    let (machine, info) = Self.everything.build([
      MemoryMapEntry(start: PhysicalAddress(0), count: .max, kind: .ram)
    ])
    let found = try PageFilter(machine, info).excluded(at: .all)
    #expect(found.undecided > PageFilter.pageLimit / 2)
    #expect(found.pages.run(at: 8, limit: 100) == (.free, 4))
  }

  @Test(arguments: [
    "SIZE(page)=64", "OFFSET(page.flags)=0", "OFFSET(page.mapping)=24", "NUMBER(PG_lru)=4",
    "SYMBOL(mem_section)=\(String(PageWorld.image + PageWorld.roots, radix: 16))",
  ]) func whatIsMissingIsNamed(_ line: String) throws {
    var world = PageWorld()
    world.lines = world.lines.replacing(line + "\n", with: "")
    let (machine, info) = world.build()
    let key = String(line.prefix { $0 != "=" })
    #expect(throws: LinuxGuestError.missing(key: key)) { try PageFilter(machine, info) }
  }

  @Test(arguments: [
    ("SIZE(page)=64", "SIZE(page)=0"), ("SIZE(page)=64", "SIZE(page)=99999999999"),
    ("OFFSET(page.flags)=0", "OFFSET(page.flags)=60"),
    ("OFFSET(page._mapcount)=48", "OFFSET(page._mapcount)=18446744073709551615"),
    ("NUMBER(SECTION_SIZE_BITS)=27", "NUMBER(SECTION_SIZE_BITS)=-1"),
    ("SIZE(mem_section)=16", "SIZE(mem_section)=0"),
  ]) func numbersThatCannotBeAreRefused(_ line: String, _ other: String) throws {
    var world = PageWorld()
    world.lines = world.lines.replacing(line, with: other)
    let (machine, info) = world.build()
    #expect(throws: LinuxGuestError.self) { try PageFilter(machine, info) }
  }

  /// kallsyms' `mem_section` is a pointer to the array since 4.15.
  @Test func thePointerToTheRootsWillDo() throws {
    var world = Self.everything
    let pointer = PageWorld.image + 0x71_0000
    world.lines = world.lines.replacing(
      String(PageWorld.image + PageWorld.roots, radix: 16), with: String(pointer, radix: 16))
    var (machine, info) = world.build()
    var bytes = try machine.memory.read(PhysicalAddress(0), count: UInt64(KernelWorld.size)).copy()
    bytes.replaceSubrange(
      0x71_0000..<0x71_0008, with: little(PageWorld.image + PageWorld.roots))
    machine = Machine(
      memory: PhysicalMemory([
        PhysicalSegment(
          start: PhysicalAddress(0), count: UInt64(bytes.count),
          contents: .bytes(ByteView(copying: bytes)))
      ]), map: machine.map, cpus: [])
    let found = try PageFilter(machine, info).excluded(at: .free)
    #expect(found.pages.run(at: 8, limit: 100) == (.free, 4))
  }

  /// One array for all pages, on kernels built so (CONFIG_FLATMEM).
  @Test func aFlatArrayIsRead() throws {
    var world = Self.everything
    let place = PageWorld.image + PageWorld.root
    world.lines =
      world.lines.replacing("mem_section)=", with: "none)=")
      + "SYMBOL(mem_map)=\(String(place, radix: 16))\n"
    world.sectionMap = PageWorld.image + PageWorld.descriptors
    #expect(try world.excluded(.free).count == 6)
  }
}
