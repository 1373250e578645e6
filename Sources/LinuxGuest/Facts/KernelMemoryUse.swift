internal import Bytes
public import Targets

/// How a kernel uses its memory: the numbers of `/proc/meminfo` (fs/proc/meminfo.c), in bytes. What a
/// kernel doesn't tell is nil. As there, changes that a CPU has counted but not yet passed on are left
/// out.
public struct KernelMemoryUse: Hashable, Sendable {
  /// What the kernel manages: neither its own image nor what the firmware keeps.
  public var total: UInt64?
  public var free: UInt64?
  /// What programs could get without swapping, by the kernel's own estimate (`si_mem_available`).
  public var available: UInt64?
  /// Of the page cache, what belongs to block devices.
  public var buffers: UInt64?
  /// The rest of the page cache, without the swap cache.
  public var cached: UInt64?
  /// Memory of programs that no file is behind.
  public var anonymous: UInt64?
  /// Memory that programs share: tmpfs, System V, memfd.
  public var shared: UInt64?
  /// The kernel's own small allocations, and how many of them it could give back.
  public var slab: UInt64?
  public var slabReclaimable: UInt64?
  public var kernelStacks: UInt64?
  public var pageTables: UInt64?

  /// What couldn't be read, and why.
  public var diagnostics: [String] = []

  public init() {}

  static let pageSize: UInt64 = 4096
}

extension KernelMemoryUse: StructureReading {
  /// By the kernel's counters.
  init(_ kernel: LinuxKernel) {
    self.init()
    collect("total memory") { use throws(StructureError) in
      // Called `totalram_pages` until 4.20.
      use.total = pages(try kernel.longVariable("_totalram_pages"))
    }
    let counters: MemoryCounters
    do throws(StructureError) {
      counters = try MemoryCounters(kernel)
    } catch {
      diagnostics.append("memory counters: \(error)")
      return
    }
    free = pages(counters[.free])
    anonymous = pages(counters[.anonymous])
    shared = pages(counters[.shared])
    slabReclaimable = pages(counters[.slabReclaimable])
    if let unreclaimable = counters[.slabUnreclaimable], let other = counters[.slabReclaimable] {
      slab = pages(unreclaimable &+ other)
    }
    kernelStacks = counters[.kernelStacks].flatMap {
      let (bytes, overflow) = $0.multipliedReportingOverflow(by: 1024)
      return overflow ? nil : bytes
    }
    pageTables = pages(counters[.pageTables])
    collect("buffers") { use throws(StructureError) in
      let buffers = try BlockDevicePages.count(kernel)
      use.buffers = pages(buffers)
      if let all = counters[.file], let swap = try counters.swapCache(kernel) {
        use.cached = pages(all.subtractingOrZero(swap).subtractingOrZero(buffers))
      }
    }
    collect("available memory") { use throws(StructureError) in
      let marks = try MemoryZones.lowMarks(kernel)
      let reserve = try kernel.longVariable("totalreserve_pages")
      use.available = pages(counters.available(lowMarks: marks, reserve: reserve))
    }
  }
}

/// Pages in bytes; nil if a damaged counter says more than there can be.
private func pages(_ count: UInt64?) -> UInt64? {
  guard let count else { return nil }
  let (bytes, overflow) = count.multipliedReportingOverflow(by: KernelMemoryUse.pageSize)
  return overflow ? nil : bytes
}

extension UInt64 {
  /// The difference, but never less than nothing.
  func subtractingOrZero(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
