internal import Bytes

/// What must be known of a kernel's `struct page` (include/linux/mm_types.h) to tell what a page is
/// used for, from VMCOREINFO, which has it for makedumpfile (kernel/crash_core.c,
/// `crash_save_vmcoreinfo_init`; kernel/vmcore_info.c since 6.9).
struct PageFacts: Hashable, Sendable {
  /// In bytes.
  let size: UInt64
  let flags: UInt64
  let mapping: UInt64
  let mapCount: UInt64?
  /// `page.private`: for a free block of pages its order.
  let privateData: UInt64?
  let compoundHead: UInt64?
  let compound: CompoundLayout?

  /// Masks of bits of `page.flags`; 0 for a bit that this kernel hasn't or doesn't tell.
  let lru: UInt64
  let privateFlag: UInt64
  let swapCache: UInt64
  /// Nil before 4.10, when the swap cache's bit had no other meaning.
  let swapBacked: UInt64?
  let slab: UInt64
  let poisoned: UInt64
  let head: UInt64

  /// Values of `page._mapcount` (`page_type` in the same place since 4.18) that say what a page is;
  /// nil if this kernel doesn't tell (include/linux/page-flags.h).
  let buddyType: UInt32?
  let slabType: UInt32?
  let offlineType: UInt32?
  let unacceptedType: UInt32?
  /// The number of orders of free blocks: `LENGTH(zone.free_area)`.
  let orderCount: UInt64?

  /// Throws `.missing` if `info` lacks what every kernel tells.
  init(_ info: VMCoreInfo) throws(LinuxGuestError) {
    func required(_ value: UInt64?, _ key: String) throws(LinuxGuestError) -> UInt64 {
      guard let value else { throw .missing(key: key) }
      return value
    }
    func bit(_ name: String) -> UInt64? {
      info.number(name).flatMap { (0..<64).contains($0) ? 1 << UInt64($0) : nil }
    }
    func type(_ name: String) -> UInt32? {
      // The kernel prints some of them as negative numbers and some not.
      info.number(name).map { UInt32(truncatingIfNeeded: $0) }
    }
    size = try required(info.size("page"), "SIZE(page)")
    flags = try required(info.offset("page.flags"), "OFFSET(page.flags)")
    mapping = try required(info.offset("page.mapping"), "OFFSET(page.mapping)")
    mapCount = info.offset("page._mapcount")
    privateData = info.offset("page.private")
    compoundHead = info.offset("page.compound_head")
    lru = try required(bit("PG_lru"), "NUMBER(PG_lru)")
    privateFlag = bit("PG_private") ?? 0
    swapCache = bit("PG_swapcache") ?? 0
    swapBacked = bit("PG_swapbacked")
    slab = bit("PG_slab") ?? 0
    poisoned = bit("PG_hwpoison") ?? 0
    head = info.number("PG_head_mask").map { UInt64(bitPattern: $0) } ?? 0
    buddyType = type("PAGE_BUDDY_MAPCOUNT_VALUE")
    slabType = type("PAGE_SLAB_MAPCOUNT_VALUE")
    offlineType = type("PAGE_OFFLINE_MAPCOUNT_VALUE")
    unacceptedType = type("PAGE_UNACCEPTED_MAPCOUNT_VALUE")
    orderCount = info.length("zone.free_area")
    compound = CompoundLayout.rows.lazy.compactMap { $0.layout(info) }.first
    // More than any kernel's; and each member must lie in the structure.
    guard (32...512).contains(size) else { throw .missing(key: "SIZE(page)") }
    let words = [flags, mapping, privateData ?? 0, compoundHead ?? 0]
    guard words.allSatisfy({ $0 <= size - 8 }), (mapCount ?? 0) <= size - 4 else {
      throw .missing(key: "OFFSET(page)")
    }
  }
}

/// Where the second page of a compound page says how many pages there are and whether they are
/// hugetlbfs's.
struct CompoundLayout: Hashable, Sendable {
  /// How a hugetlbfs page is known.
  enum HugePages: Hashable, Sendable {
    /// The first page's `_mapcount` has this value.
    case type(UInt32)
    /// The second page's flags have this bit.
    case flag(UInt64)
    /// The byte there in the second page has this value.
    case destructor(at: UInt64, UInt8)
    case unknown
  }

  /// Where the byte with the order lies in the second page.
  let order: UInt64
  let hugePages: HugePages

  /// What kernels tell, and how that is read.
  struct Row: Sendable {
    let versions: String
    /// Where the kernel has it.
    let source: String
    let layout: @Sendable (VMCoreInfo) -> CompoundLayout?
  }

  /// Newest first; the first that VMCOREINFO has what it takes for applies.
  static let rows: [Row] = [
    Row(
      versions: "6.9 and later",
      source: "include/linux/page-flags.h, PGTY_hugetlb; mm_types.h, folio._flags_1",
      layout: { info in
        guard let value = info.number("PAGE_HUGETLB_MAPCOUNT_VALUE"),
          let flags = info.offset("page.flags")
        else { return nil }
        return CompoundLayout(order: flags, hugePages: .type(UInt32(truncatingIfNeeded: value)))
      }),
    Row(
      versions: "6.6 to 6.8",
      source: "include/linux/page-flags.h, PG_hugetlb; mm_types.h, folio._flags_1",
      layout: { info in
        guard let bit = info.number("PG_hugetlb"), (0..<64).contains(bit),
          let flags = info.offset("page.flags")
        else { return nil }
        return CompoundLayout(order: flags, hugePages: .flag(1 << UInt64(bit)))
      }),
    Row(
      versions: "6.3 to 6.5",
      source: "include/linux/mm_types.h, folio._folio_order and _folio_dtor",
      layout: { info in
        guard let order = info.offset("folio._folio_order"), let size = info.size("page"),
          order >= size, order < 2 * size
        else { return nil }
        let destructor = info.offset("folio._folio_dtor").flatMap { $0 >= size ? $0 - size : nil }
        return CompoundLayout(
          order: order - size, hugePages: Self.hugePages(info, destructor, size))
      }),
    Row(
      versions: "4.16 to 6.2",
      source: "include/linux/mm_types.h, page.compound_order and compound_dtor",
      layout: { info in
        guard let order = info.offset("page.compound_order"), let size = info.size("page"),
          order < size
        else { return nil }
        return CompoundLayout(
          order: order,
          hugePages: Self.hugePages(info, info.offset("page.compound_dtor"), size))
      }),
  ]

  private static func hugePages(
    _ info: VMCoreInfo, _ destructor: UInt64?, _ size: UInt64
  ) -> HugePages {
    guard let destructor, destructor < size, let number = info.number("HUGETLB_PAGE_DTOR"),
      let value = UInt8(exactly: number)
    else { return .unknown }
    return .destructor(at: destructor, value)
  }
}
