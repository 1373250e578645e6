import Bytes
import ObjectFiles
import Targets

/// Which pages a kdump will have, laid out before any byte of memory is touched.
struct KdumpPlan: Sendable {
  /// Neighbouring pages that will be treated alike.
  struct Span: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
      /// To be looked at.
      case data
      /// Known to be zeros.
      case zeros
      /// Memory that the input doesn't have.
      case absent(MemoryFault.Reason)
      /// To be left out.
      case excluded(PageExclusion.Kind)
    }

    /// Page numbers.
    var pages: Range<UInt64>
    var kind: Kind
  }

  /// The bytes that are memory, in ascending order; what touches is one range.
  let memoryRanges: [Range<UInt64>]
  /// The pages that hold any of it: what bitmap 1 says.
  let machinePages: [Range<UInt64>]
  /// Of these, the ones that were asked for.
  let spans: [Span]

  static let pageSize = KdumpLayout.blockSize
  /// 64 TiB. More is no machine's memory but a map that lies, and the bitmaps alone would fill a
  /// disk.
  static let pageCountLimit: UInt64 = 1 << 34

  /// Plans a dump of `machine`, of the pages that `range` touches or of all, less those of
  /// `exclusion`. Throws `.nothingToWrite` and `.layout`.
  init(
    _ machine: Machine, range: Range<PhysicalAddress>?, exclusion: PageExclusion? = nil
  ) throws(VMCoreError) {
    memoryRanges = Self.merged(
      machine.map.lazy.filter { $0.kind.isDumped && $0.count > 0 }.map {
        let end = $0.start.rawValue.addingReportingOverflow($0.count)
        return $0.start.rawValue..<(end.overflow ? .max : end.partialValue)
      })
    let pagesOfMachine = Self.merged(
      memoryRanges.lazy.map { $0.lowerBound / Self.pageSize..<Self.pagesUp($0.upperBound) })
    let count = pagesOfMachine.reduce(UInt64(0)) { $0 + ($1.upperBound - $1.lowerBound) }
    guard count <= Self.pageCountLimit else {
      throw .layout(
        .limit(what: "the number of memory's pages", value: count, limit: Self.pageCountLimit))
    }
    var wanted = pagesOfMachine
    if let range {
      let first = range.lowerBound.rawValue / Self.pageSize
      let asked = first..<max(first, Self.pagesUp(range.upperBound.rawValue))
      wanted = pagesOfMachine.lazy.map { $0.clamped(to: asked) }.filter { !$0.isEmpty }
    }
    guard !wanted.isEmpty else { throw .nothingToWrite(range: range) }
    // To the reader of the dump, the machine has no memory outside the range.
    machinePages = wanted
    var builder = SpanBuilder(memory: machine.memory, exclusion: exclusion)
    for pages in wanted { builder.cover(pages) }
    spans = builder.spans
  }

  /// One more than the highest page number.
  var pageLimit: UInt64 { machinePages.last?.upperBound ?? 0 }

  /// How many pages there are of the kinds for which `isCounted` holds.
  func pageCount(_ isCounted: (Span.Kind) -> Bool) -> UInt64 {
    spans.reduce(0) {
      isCounted($1.kind) ? $0 + ($1.pages.upperBound - $1.pages.lowerBound) : $0
    }
  }

  /// Whether any of `bytes` is memory of the machine.
  func isMemory(_ bytes: Range<UInt64>) -> Bool {
    var low = 0
    var high = memoryRanges.count
    while low < high {
      let middle = (low + high) / 2
      if memoryRanges[middle].upperBound <= bytes.lowerBound {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < memoryRanges.count && memoryRanges[low].lowerBound < bytes.upperBound
  }

  /// How many pages it takes to reach `address`, which is no multiple of the page size perhaps.
  private static func pagesUp(_ address: UInt64) -> UInt64 {
    address / pageSize + (address % pageSize == 0 ? 0 : 1)
  }

  /// `ranges`, which ascend, with those that overlap or touch made one.
  private static func merged(_ ranges: some Sequence<Range<UInt64>>) -> [Range<UInt64>] {
    var merged: [Range<UInt64>] = []
    for range in ranges {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] =
          last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}

/// Cuts pages into spans where the fate of their bytes changes.
private struct SpanBuilder {
  let memory: PhysicalMemory
  let exclusion: PageExclusion?
  var spans: [KdumpPlan.Span] = []
  /// The first segment that may reach into what comes next.
  private var segment = 0

  init(memory: PhysicalMemory, exclusion: PageExclusion?) {
    self.memory = memory
    self.exclusion = exclusion
  }

  /// Adds spans for `pages`, which lie behind all that were added before.
  mutating func cover(_ pages: Range<UInt64>) {
    let size = KdumpPlan.pageSize
    // The last page of all has no end that 64 bits can hold.
    let end = pages.upperBound.multipliedReportingOverflow(by: size)
    let limit = end.overflow ? UInt64.max : end.partialValue
    var next = pages.lowerBound
    var position = pages.lowerBound * size
    while position < limit {
      let piece = piece(at: position, limit: limit)
      position = piece.end
      let whole = piece.end == limit ? pages.upperBound : piece.end / size
      if whole > next {
        add(next..<whole, piece.kind)
        next = whole
      }
      // A page with bytes of different fates is looked at.
      if next < pages.upperBound, next == piece.end / size, piece.end % size != 0 {
        add(next..<next + 1, .data)
        next += 1
      }
    }
  }

  /// What there is at `position`, and how far it goes.
  private mutating func piece(
    at position: UInt64, limit: UInt64
  ) -> (end: UInt64, kind: KdumpPlan.Span.Kind) {
    let segments = memory.segments
    while segment < segments.count,
      segments[segment].start.rawValue + (segments[segment].count - 1) < position
    {
      segment += 1
    }
    guard segment < segments.count, segments[segment].start.rawValue < limit else {
      return (limit, .absent(.unmapped))
    }
    let found = segments[segment]
    if found.start.rawValue > position { return (found.start.rawValue, .absent(.unmapped)) }
    let rest = found.count - (position - found.start.rawValue)
    let end = limit - position < rest ? limit : position + rest
    switch found.contents {
    case .bytes, .source: return (end, .data)
    case .zeros: return (end, .zeros)
    case .absent(let reason): return (end, .absent(reason))
    }
  }

  private mutating func add(_ pages: Range<UInt64>, _ kind: KdumpPlan.Span.Kind) {
    if case .absent = kind { return append(pages, kind) }
    guard let exclusion else { return append(pages, kind) }
    exclusion.forEachRun(in: pages) { run, reason in
      append(run, reason.map { .excluded($0) } ?? kind)
    }
  }

  private mutating func append(_ pages: Range<UInt64>, _ kind: KdumpPlan.Span.Kind) {
    if let last = spans.last, last.kind == kind, last.pages.upperBound == pages.lowerBound {
      spans[spans.count - 1].pages = last.pages.lowerBound..<pages.upperBound
    } else {
      spans.append(KdumpPlan.Span(pages: pages, kind: kind))
    }
  }
}
