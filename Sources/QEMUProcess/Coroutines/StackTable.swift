import Bytes
import Unwinding

/// Where coroutine stacks can lie: every address at which a stack could begin, by the mappings.
///
/// QEMU maps a stack in one piece and takes the lowest page's permissions away (`qemu_alloc_stack`
/// in util/oslib-posix.c; the same since 2.8):
///
///      base                base + page                          base + size
///       │  guard, no access  │  writable: one mapping's start       │
///       └────────────────────┴──────────────────────────────────────┘
///
/// The kernel joins the writable part with a writable neighbour above it, so only its start is a
/// mapping's; a dump may leave the guard page out.
struct StackTable: Sendable {
  /// A stretch of writable memory that could be a stack, seen from its possible base.
  struct Site: Hashable, Sendable {
    let base: UInt64
    /// Where the writable part begins.
    let usableStart: UInt64
    /// Where writable memory ends.
    let limit: UInt64
  }

  /// In ascending order of base.
  private let sites: ContiguousArray<Site>
  /// One bit for each hash of a base's page number: turns nearly all words away without a search.
  @usableFromInline
  let filter: ContiguousArray<UInt64>

  /// No coroutine's stack is smaller than a guard page and one more, or larger than this.
  private static let largestStack: UInt64 = 1 << 30

  /// How large the host's pages may be, in bytes.
  private static func pageSizes(of architecture: Architecture) -> [UInt64] {
    architecture == .aarch64 ? [0x1000, 0x4000, 0x10000] : [0x1000]
  }

  init(_ process: HostProcess) {
    var found: Set<Site> = []
    let mappings = process.mappings
    for (index, mapping) in mappings.enumerated()
    where mapping.isWritable && !mapping.isExecutable && mapping.count > 0 {
      var limit = mapping.end
      for next in mappings[(index + 1)...] {
        guard next.start == limit, next.isWritable else { break }
        limit = next.end
      }
      let start = mapping.start.rawValue
      found.insert(Site(base: start, usableStart: start, limit: limit.rawValue))
      for page in Self.pageSizes(of: process.architecture) where start >= page {
        let below = process.mapping(containing: VirtualAddress(start - page))
        // gdb's gcore records pages without any permission as readable.
        if below?.isWritable ?? false { continue }
        found.insert(Site(base: start - page, usableStart: start, limit: limit.rawValue))
      }
    }
    sites = ContiguousArray(found.sorted { ($0.base, $0.usableStart) < ($1.base, $1.usableStart) })
    var bits = ContiguousArray<UInt64>(repeating: 0, count: Self.filterWords)
    for site in sites {
      let hash = Self.hash(site.base)
      bits[hash >> 6] |= 1 << UInt64(hash & 63)
    }
    filter = bits
  }

  @usableFromInline
  static let filterWords = 4096

  /// Which of the filter's bits stands for a page-aligned address.
  @inline(__always)
  @usableFromInline
  static func hash(_ address: UInt64) -> Int {
    Int(truncatingIfNeeded: ((address >> 12) &* 0x9E37_79B9_7F4A_7C15) >> 46)
  }

  /// Whether a stack could begin at the page-aligned `address`; false positives are rare.
  @inline(__always)
  @usableFromInline
  func mayHoldBase(_ address: UInt64) -> Bool {
    let hash = Self.hash(address)
    return filter[hash >> 6] & (1 << UInt64(hash & 63)) != 0
  }

  /// The stack that `base` and `size` describe; nil if the mappings contradict it.
  func stack(base: UInt64, size: UInt64) -> CoroutineStack? {
    guard size >= 0x2000, size & 0xfff == 0, size <= Self.largestStack else { return nil }
    let (end, overflow) = base.addingReportingOverflow(size)
    guard !overflow else { return nil }
    var low = 0
    var high = sites.count
    while low < high {
      let middle = (low + high) / 2
      if sites[middle].base < base { low = middle + 1 } else { high = middle }
    }
    for site in sites[low...].prefix(while: { $0.base == base }) {
      guard site.usableStart < end, end <= site.limit else { continue }
      return CoroutineStack(
        base: VirtualAddress(base), size: size, usableStart: VirtualAddress(site.usableStart))
    }
    return nil
  }

  /// The sites whose writable part could be a stack of `size` bytes with a guard page: what is left
  /// over of them when all coroutines are found hints at one that was missed.
  func sites(ofStackSize size: UInt64) -> [Site] {
    sites.filter { site in
      guard site.usableStart > site.base else { return false }
      let (end, overflow) = site.base.addingReportingOverflow(size)
      return !overflow && end == site.limit
    }
  }
}
