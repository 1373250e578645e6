internal import Bytes
internal import Targets

/// The kernel's counts of pages: `vm_zone_stat` and `vm_node_stat` (mm/vmstat.c), arrays of
/// `atomic_long_t` that `enum zone_stat_item` and `enum node_stat_item` give the indexes of.
struct MemoryCounters {
  /// What is counted.
  enum Item: CaseIterable {
    case free, file, activeFile, inactiveFile, anonymous, shared, swapCache
    case slabReclaimable, slabUnreclaimable, otherReclaimable, kernelStacks, pageTables
  }

  enum Array: String, CaseIterable {
    case node = "node_stat_item"
    case zone = "zone_stat_item"

    var variable: String { self == .node ? "vm_node_stat" : "vm_zone_stat" }
  }

  /// By which enumerators the kernels from 5.4 count it; the first that a kernel has counts
  /// (include/linux/mmzone.h).
  static let names: [Item: [(array: Array, name: String)]] = [
    .free: [(.zone, "NR_FREE_PAGES")],
    .file: [(.node, "NR_FILE_PAGES")],
    .activeFile: [(.node, "NR_ACTIVE_FILE")],
    .inactiveFile: [(.node, "NR_INACTIVE_FILE")],
    .anonymous: [(.node, "NR_ANON_MAPPED")],
    .shared: [(.node, "NR_SHMEM")],
    // From 5.12; before, the swap caches' own counts tell.
    .swapCache: [(.node, "NR_SWAPCACHE")],
    // `_B`, from 5.9: callers count bytes. The array holds pages all the same.
    .slabReclaimable: [(.node, "NR_SLAB_RECLAIMABLE_B"), (.node, "NR_SLAB_RECLAIMABLE")],
    .slabUnreclaimable: [(.node, "NR_SLAB_UNRECLAIMABLE_B"), (.node, "NR_SLAB_UNRECLAIMABLE")],
    .otherReclaimable: [(.node, "NR_KERNEL_MISC_RECLAIMABLE")],
    // In KiB; of zones until 5.9.
    .kernelStacks: [(.node, "NR_KERNEL_STACK_KB"), (.zone, "NR_KERNEL_STACK_KB")],
    // Of zones until 5.10.
    .pageTables: [(.node, "NR_PAGETABLE"), (.zone, "NR_PAGETABLE")],
  ]

  private let values: [Item: UInt64]

  /// No kernel counts more different things.
  private static let indexLimit: Int64 = 1024

  init(_ kernel: LinuxKernel) throws(StructureError) {
    var indexes: [Array: [String: Int64]] = [:]
    for array in Array.allCases { indexes[array] = try kernel.enumerators(array.rawValue) }
    var values: [Item: UInt64] = [:]
    for (item, names) in Self.names {
      for (array, name) in names {
        guard let index = indexes[array]?[name], (0..<Self.indexLimit).contains(index) else {
          continue
        }
        let start = try kernel.address(of: array.variable)
        let word = try kernel.word(at: start &+ UInt64(index) * 8)
        // Not all CPUs have passed on what they counted: a sum may be negative for a while, and
        // the kernel shows 0 then.
        values[item] = Int64(bitPattern: word) < 0 ? 0 : word
        break
      }
    }
    self.values = values
  }

  init(values: [Item: UInt64]) { self.values = values }

  /// In pages, `kernelStacks` in KiB; nil if the kernel doesn't count it.
  subscript(_ item: Item) -> UInt64? { values[item] }

  /// Pages of the swap cache; nil if they can't be told. Kernels before 5.12 count them elsewhere, but
  /// without swap there are none.
  func swapCache(_ kernel: LinuxKernel) throws(StructureError) -> UInt64? {
    if let counted = self[.swapCache] { return counted }
    // Without CONFIG_SWAP the variable isn't there.
    guard kernel.symbols.symbol(named: "nr_swapfiles") != nil else { return 0 }
    return try kernel.intVariable("nr_swapfiles") == 0 ? 0 : nil
  }

  /// `si_mem_available()` (mm/page_alloc.c; mm/show_mem.c from 6.6).
  func available(lowMarks: UInt64, reserve: UInt64) -> UInt64? {
    guard let free = self[.free], let active = self[.activeFile],
      let inactive = self[.inactiveFile], let slab = self[.slabReclaimable]
    else { return nil }
    func usable(_ count: UInt64) -> UInt64 { count - min(count / 2, lowMarks) }
    let sum =
      free &+ usable(active &+ inactive) &+ usable(slab &+ (self[.otherReclaimable] ?? 0))
    return sum.subtractingOrZero(reserve)
  }
}
