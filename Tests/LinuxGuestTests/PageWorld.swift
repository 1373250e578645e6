import Bytes
import Targets
import TestWorlds

@testable import LinuxGuest

/// A kernel of 16 MiB whose pages are described: `struct page` as 6.1 lays it out on x86-64
/// (include/linux/mm_types.h).
///
///     0 flags   8 compound_head   16 compound_dtor, compound_order (second page)
///     24 mapping   40 private   48 _mapcount   52 _refcount
struct PageWorld {
  static let image: UInt64 = 0xffff_ffff_8000_0000
  /// Where the array of sections' roots, the first root and the descriptors lie.
  static let roots: UInt64 = 0x70_0000
  static let root: UInt64 = 0x70_1000
  static let descriptors: UInt64 = 0x80_0000
  static let size = 64

  static let lru: UInt64 = 1 << 4
  static let slab: UInt64 = 1 << 9
  static let swapCache: UInt64 = 1 << 10
  static let privateFlag: UInt64 = 1 << 13
  static let head: UInt64 = 1 << 16
  static let swapBacked: UInt64 = 1 << 19
  static let poisoned: UInt64 = 1 << 22
  static let anonymous: UInt64 = 1
  static let buddy: UInt32 = 0xffff_ff7f
  static let offline: UInt32 = 0xffff_feff

  /// Lines that all kernels have.
  static let common = """
    SYMBOL(mem_section)=\(String(image + roots, radix: 16))
    LENGTH(mem_section)=2048
    SIZE(mem_section)=16
    OFFSET(mem_section.section_mem_map)=0
    NUMBER(SECTION_SIZE_BITS)=27
    NUMBER(MAX_PHYSMEM_BITS)=46
    SIZE(page)=64
    OFFSET(page.flags)=0
    OFFSET(page._refcount)=52
    OFFSET(page.mapping)=24
    OFFSET(page._mapcount)=48
    OFFSET(page.private)=40
    OFFSET(page.compound_head)=8
    LENGTH(zone.free_area)=11
    NUMBER(PG_lru)=4
    NUMBER(PG_private)=13
    NUMBER(PG_swapcache)=10
    NUMBER(PG_swapbacked)=19
    NUMBER(PG_slab)=9
    NUMBER(PG_hwpoison)=22
    NUMBER(PG_head_mask)=65536
    NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129
    NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257

    """

  /// Lines of 4.16 to 6.2.
  static let compound = """
    OFFSET(page.compound_dtor)=16
    OFFSET(page.compound_order)=17
    NUMBER(HUGETLB_PAGE_DTOR)=2

    """

  /// The kernel's text, less what the test takes away.
  var lines = common + compound
  private var pages = [UInt8](repeating: 0, count: KernelWorld.size / 4096 * size)
  /// `section_mem_map` of the first section.
  var sectionMap = image + descriptors | 3

  mutating func set<Number: FixedWidthInteger>(_ page: Int, at offset: Int, _ value: Number) {
    for index in 0..<MemoryLayout<Number>.size {
      pages[page * Self.size + offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  /// The descriptor of `page`; by default that of one that nobody would leave out.
  mutating func describe(
    _ page: Int, flags: UInt64 = 0, mapping: UInt64 = 0, type: UInt32 = .max,
    private order: UInt64 = 0
  ) {
    set(page, at: 0, flags)
    set(page, at: 24, mapping)
    set(page, at: 40, order)
    set(page, at: 48, type)
  }

  /// Makes the pages from `page` on one compound page.
  mutating func compound(_ page: Int, order: Int, flags: UInt64 = 0, mapping: UInt64 = 0) {
    describe(page, flags: flags | Self.head, mapping: mapping)
    for tail in page + 1..<page + 1 << order { set(tail, at: 8, UInt64(1)) }
  }

  /// The machine and what the kernel says of itself.
  func build(_ map: [MemoryMapEntry]? = nil) -> (machine: Machine, info: VMCoreInfo) {
    var kernel = KernelWorld()
    kernel.place(little(Self.image + Self.root), at: Self.roots)
    kernel.place(little(sectionMap), at: Self.root)
    kernel.place(pages, at: Self.descriptors)
    let machine = KernelWorld.machine([kernel])
    let info = VMCoreInfo(text: kernel.text + lines)
    guard let map else { return (machine, info) }
    return (Machine(memory: machine.memory, map: map, cpus: []), info)
  }

  /// What `level` leaves out of the first `count` pages.
  func excluded(
    _ level: DumpLevel, count: UInt64 = 32
  ) throws -> [UInt64: PageExclusion.Kind] {
    let (machine, info) = build()
    let found = try PageFilter(machine, info).excluded(at: level)
    var kinds: [UInt64: PageExclusion.Kind] = [:]
    found.pages.forEachRun(in: 0..<count) { pages, kind in
      for page in pages { kinds[page] = kind }
    }
    return kinds
  }
}
