public import Bytes
public import Targets

/// Finds the pages of a Linux guest that a dump can do without, as `makedumpfile -d` does: from the
/// kernel's descriptor of each page. A page whose descriptor can't be read stays.
public struct PageFilter: Sendable {
  /// What was found.
  public struct Result: Sendable {
    public var pages = PageExclusion()
    /// How many pages stay because nothing could be learnt of them.
    public var undecided: UInt64 = 0
  }

  private let machine: Machine
  private let facts: PageFacts
  private let descriptors: PageDescriptors
  private let memory: VirtualMemory
  /// Called with descriptors that were read: a mapping's pages can be let go.
  public var release: @Sendable (ByteView) -> Void = { _ in }

  /// More pages aren't looked at, 1 TiB of them: what a map claims beyond stays.
  public static let pageLimit: UInt64 = 1 << 28
  /// Descriptors that are read at a time. No compound page's first descriptor is the last of so many.
  private static let batch: UInt64 = 4096

  /// Throws if `info` doesn't tell how the kernel describes its pages, or the array of descriptors
  /// isn't there.
  public init(_ machine: Machine, _ info: VMCoreInfo) throws(LinuxGuestError) {
    guard let image = KernelImageMap(info) else { throw .missing(key: "NUMBER(phys_base)") }
    guard let tables = image.pageTables else { throw .missing(key: "SYMBOL(swapper_pg_dir)") }
    try self.init(machine, info, VirtualMemory(machine.memory, tables))
  }

  /// Likewise with the kernel's memory at hand.
  init(
    _ machine: Machine, _ info: VMCoreInfo, _ memory: VirtualMemory
  ) throws(LinuxGuestError) {
    self.machine = machine
    self.memory = memory
    facts = try PageFacts(info)
    descriptors = try PageDescriptors(info, facts, memory)
  }

  /// What `level` leaves out, zeros apart: those are told by looking at them.
  ///
  /// As with makedumpfile, pages that are poisoned or offline are left out at every level.
  public func excluded(at level: DumpLevel) -> Result {
    var result = Result()
    // Where makedumpfile would go on after a block of pages that it has left out.
    var next: UInt64 = 0
    var budget = Self.pageLimit
    for range in ranges {
      var page = max(range.lowerBound, next)
      while page < range.upperBound, budget > 0 {
        let section = page / descriptors.sectionPages
        let end = min(range.upperBound, (section + 1) * descriptors.sectionPages, page + budget)
        budget -= end - page
        do throws(MemoryFault) {
          if let start = try descriptors.section(section) {
            next = exclude(
              page..<end, sectionAt: section * descriptors.sectionPages, start, level, &result)
          } else {
            next = end
            result.undecided += end - page
          }
        } catch {
          next = end
          result.undecided += end - page
        }
        page = max(end, next)
      }
      if page < range.upperBound { result.undecided += range.upperBound - page }
    }
    return result
  }

  /// The pages that begin in memory of the machine, in ascending order without overlaps.
  private var ranges: [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    for entry in machine.map where entry.kind.isDumped && entry.count > 0 {
      let first = Self.pagesUp(entry.start.rawValue)
      let lower = max(first, ranges.last?.upperBound ?? 0)
      let upper =
        Self.pagesUp(entry.last.rawValue)
        + (entry.last.rawValue % PageExclusion.pageSize == 0 ? 1 : 0)
      if lower < upper { ranges.append(lower..<upper) }
    }
    return ranges
  }

  /// How many pages it takes to reach `address`.
  private static func pagesUp(_ address: UInt64) -> UInt64 {
    address / PageExclusion.pageSize + (address % PageExclusion.pageSize == 0 ? 0 : 1)
  }

  /// Decides on `pages` of the section whose first page is `first`, and whose descriptors are at
  /// `start`; gives the page that it got to, which may lie behind them.
  private func exclude(
    _ pages: Range<UInt64>, sectionAt first: UInt64, _ start: VirtualAddress, _ level: DumpLevel,
    _ result: inout Result
  ) -> UInt64 {
    var page = pages.lowerBound
    while page < pages.upperBound {
      let end = min(pages.upperBound, (page / Self.batch + 1) * Self.batch)
      let place = start &+ (page - first) &* facts.size
      do throws(MemoryFault) {
        let views = try memory.read(place, count: (end - page) * facts.size)
        page = exclude(page..<end, views, level, &result)
        release(views)
      } catch {
        page = excludeOneByOne(page..<end, place, level, &result)
      }
    }
    return page
  }

  /// Decides on `pages`, whose descriptors can't all be read.
  private func excludeOneByOne(
    _ pages: Range<UInt64>, _ start: VirtualAddress, _ level: DumpLevel, _ result: inout Result
  ) -> UInt64 {
    var page = pages.lowerBound
    while page < pages.upperBound {
      let place = start &+ (page - pages.lowerBound) &* facts.size
      do throws(MemoryFault) {
        page = exclude(page..<page + 1, try descriptor(at: place), level, &result)
      } catch {
        result.undecided += 1
        page += 1
      }
    }
    return page
  }

  /// The descriptor at `place`, and the one behind it if that can be read as well.
  private func descriptor(at place: VirtualAddress) throws(MemoryFault) -> ByteView {
    do throws(MemoryFault) {
      return try memory.read(place, count: 2 * facts.size)
    } catch {
      return try memory.read(place, count: facts.size)
    }
  }

  private func exclude(
    _ pages: Range<UInt64>, _ views: ByteView, _ level: DumpLevel, _ result: inout Result
  ) -> UInt64 {
    var page = pages.lowerBound
    do throws(ByteError) {
      while page < pages.upperBound {
        let use = try facts.use(
          ofPage: page, in: views, at: (page - pages.lowerBound) * facts.size, leavingOut: level)
        if let kind = use.kind { result.pages.exclude(page..<page + use.count, as: kind) }
        page += use.count
      }
    } catch {
      // Not reached: members lie in their structures, and structures in the view.
      result.undecided += pages.upperBound - page
      page = pages.upperBound
    }
    return page
  }
}
