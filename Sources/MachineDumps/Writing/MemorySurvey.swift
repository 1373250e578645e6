internal import Bytes
internal import HostSystem
internal import Targets

/// A stretch of memory that a dump has: bytes in the file, then zeros that aren't in the file.
struct DumpExtent: Hashable {
  var start: PhysicalAddress
  /// In bytes; never 0.
  var count: UInt64
  /// How many of them, from the front, are in the file.
  var dataCount: UInt64
}

/// What of a machine's memory can be written, found out before the first byte is, for the headers
/// that say so come first.
struct MemorySurvey {
  /// Absent memory that lies together.
  struct Gap: Hashable {
    var start: PhysicalAddress
    var count: UInt64
    var reason: MemoryFault.Reason
  }

  /// A stretch that has to be read, in the extent of that index. What no span covers is known to be
  /// zeros.
  struct Span: Hashable {
    var start: PhysicalAddress
    var count: UInt64
    var extent: Int
  }

  /// What is there, in ascending order.
  private(set) var extents: [DumpExtent] = []
  /// Within the extents' data, in ascending order. They are as many as the real bytes of the input
  /// allow, however much memory a map claims.
  private(set) var spans: [Span] = []
  /// What isn't, by reason.
  private(set) var absent: [MemoryFault.Reason: UInt64] = [:]
  private(set) var firstGap: Gap?
  /// What filters left out of the extents' data, by what the pages are.
  private(set) var excluded: [PageExclusion.Kind: UInt64] = [:]
  /// How many bytes of extents are zeros that are left out of the file.
  var filtered: UInt64 {
    extents.reduce(0) { $0 + ($1.count - $1.dataCount) } - excluded.values.reduce(0, +)
  }
  /// How many bytes of extents are to be in the file.
  var stored: UInt64 { extents.reduce(0) { $0 + $1.dataCount } }

  /// So many program headers take 56 MiB, which is as much as their keeping should cost.
  static let extentLimit = 1 << 20
  private static let step: UInt64 = 1 << 20

  /// What to leave out.
  struct Filter: Sendable {
    var zeros = false
    var exclusion: PageExclusion?
    /// Only where at least so many bytes lie together is something left out: each such place costs a
    /// program header and padding up to the next page, or at least a span.
    var least: UInt64 = 1 << 16
    /// Whether what ends an extent is left out even if it is less.
    var cutsEnds = false

    init() {}

    init(_ options: VMCoreOptions) {
      zeros = options.filtersZeroPages || options.level?.contains(.zero) ?? false
      exclusion = options.exclusion
      if options.level != nil {
        // As makedumpfile: 256 pages (makedumpfile.c, `write_elf_pages_cyclic`).
        least = 1 << 20
        cutsEnds = true
      }
    }
  }

  private let filter: Filter
  private var releaser: ViewReleaser
  private var open: OpenExtent?

  /// Walks through `blocks` of `memory`. Only if `filter` leaves out zeros, its bytes are read.
  init(
    _ memory: PhysicalMemory, _ blocks: [GuestBlock], _ filter: Filter,
    release: @escaping @Sendable (ByteView) -> Void
  ) throws(VMCoreError) {
    self.filter = filter
    releaser = ViewReleaser(release)
    for block in blocks {
      try memory.forEachStep(in: block.range, bytesLimit: Self.step) {
        start, run throws(VMCoreError) in
        if case .absent(let reason, let count) = run {
          try close()
          note(Gap(start: start, count: count, reason: reason))
        } else {
          try add(run, at: start)
        }
      }
      // An extent never reaches over the border of two blocks.
      try close()
    }
    releaser.flush()
  }

  /// Adds what `run`, which isn't absent, has at `start`.
  private mutating func add(_ run: MemoryRun, at start: PhysicalAddress) throws(VMCoreError) {
    guard let exclusion = filter.exclusion else {
      return try addKept(run, at: start)
    }
    let end = start.rawValue + run.count
    let size = PageExclusion.pageSize
    let pages = start.rawValue / size..<(end - 1) / size + 1
    try exclusion.forEachRun(in: pages) { pages, kind throws(VMCoreError) in
      let lower = max(pages.lowerBound * size, start.rawValue)
      let upper = pages.upperBound == (end - 1) / size + 1 ? end : pages.upperBound * size
      let part = run.part(from: lower - start.rawValue, count: upper - lower)
      if let kind {
        leaveOut(PhysicalAddress(lower), part, as: kind)
      } else {
        try addKept(part, at: PhysicalAddress(lower))
      }
    }
  }

  private mutating func addKept(
    _ run: MemoryRun, at start: PhysicalAddress
  ) throws(VMCoreError) {
    switch run {
    case .bytes(let view) where filter.zeros:
      try add(view, at: start)
      releaser.add(view)
    case .bytes(let view):
      try addData(start, UInt64(view.count))
      addSpan(start, UInt64(view.count))
    case .zeros(let count) where filter.zeros: leaveOutZeros(start, count)
    case .zeros(let count): try addData(start, count)
    case .absent: break
    }
  }

  /// Adds the bytes of `view` at `start`, some of which may be pages of zeros.
  private mutating func add(_ view: ByteView, at start: PhysicalAddress) throws(VMCoreError) {
    var next = 0
    try view.bytes.forEachDataRun(at: start.rawValue) { run throws(VMCoreError) in
      leaveOutZeros(start &+ UInt64(next), UInt64(run.lowerBound - next))
      try addData(start &+ UInt64(run.lowerBound), UInt64(run.count))
      addSpan(start &+ UInt64(run.lowerBound), UInt64(run.count))
      next = run.upperBound
    }
    leaveOutZeros(start &+ UInt64(next), UInt64(view.count - next))
  }

  private mutating func note(_ gap: Gap) {
    absent[gap.reason, default: 0] += gap.count
    guard let first = firstGap else {
      firstGap = gap
      return
    }
    if first.start &+ first.count == gap.start, first.reason == gap.reason {
      firstGap?.count += gap.count
    }
  }

  // MARK: The extent that is open

  /// An extent whose end hasn't been reached, and what would be left out if it were.
  private struct OpenExtent {
    var extent: DumpExtent
    /// By what it is, zeros apart.
    var excluded: [PageExclusion.Kind: UInt64] = [:]
    /// What of it would have to be read if it weren't left out after all.
    var unread: [(start: PhysicalAddress, count: UInt64)] = []

    /// In bytes.
    var leftOut: UInt64 { extent.count - extent.dataCount }

    init(_ start: PhysicalAddress) { extent = DumpExtent(start: start, count: 0, dataCount: 0) }
  }

  private mutating func leaveOutZeros(_ start: PhysicalAddress, _ count: UInt64) {
    guard count > 0 else { return }
    var current = open ?? OpenExtent(start)
    current.extent.count += count
    open = current
  }

  private mutating func leaveOut(
    _ start: PhysicalAddress, _ run: MemoryRun, as kind: PageExclusion.Kind
  ) {
    guard run.count > 0 else { return }
    var current = open ?? OpenExtent(start)
    open = nil  // So that what it holds isn't copied.
    // Beyond that it is sure to be left out.
    if case .bytes = run, current.leftOut < filter.least {
      current.unread.append((start, run.count))
    }
    current.extent.count += run.count
    current.excluded[kind, default: 0] += run.count
    open = current
  }

  private mutating func addData(_ start: PhysicalAddress, _ count: UInt64) throws(VMCoreError) {
    guard count > 0 else { return }
    if let current = open, current.leftOut >= filter.least { try close() }
    // What lies before and is too little to be left out is data with it.
    takeIn()
    var current = open ?? OpenExtent(start)
    current.extent.count += count
    current.extent.dataCount = current.extent.count
    open = current
  }

  /// Makes data of what would have been left out at the end of the open extent.
  private mutating func takeIn() {
    guard var current = open, current.leftOut > 0 else { return }
    current.extent.dataCount = current.extent.count
    for part in current.unread { addSpan(part.start, part.count) }
    current.unread = []
    current.excluded = [:]
    open = current
  }

  /// Notes bytes to be read in the extent that is open.
  private mutating func addSpan(_ start: PhysicalAddress, _ count: UInt64) {
    if let last = spans.last, last.extent == extents.count {
      let end = last.start.rawValue + last.count
      // Few zeros in between are found again by reading them.
      if start.rawValue - end < filter.least {
        spans[spans.count - 1].count = start.rawValue + count - last.start.rawValue
        return
      }
    }
    spans.append(Span(start: start, count: count, extent: extents.count))
  }

  private mutating func close() throws(VMCoreError) {
    if let current = open, current.leftOut < filter.least, !filter.cutsEnds { takeIn() }
    guard let current = open else { return }
    open = nil
    guard extents.count < Self.extentLimit else {
      throw .tooFragmented(
        ranges: UInt64(extents.count) + 1, limit: UInt64(Self.extentLimit))
    }
    excluded.merge(current.excluded, uniquingKeysWith: +)
    extents.append(current.extent)
  }
}

extension MemoryRun {
  /// The `count` bytes from `skip` on.
  fileprivate func part(from skip: UInt64, count: UInt64) -> MemoryRun {
    switch self {
    case .bytes(let view): .bytes(view.clampedSubview(at: skip, count: count))
    case .zeros: .zeros(count: count)
    case .absent(let reason, _): .absent(reason, count: count)
    }
  }
}
