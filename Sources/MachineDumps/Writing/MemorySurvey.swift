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
  /// How many bytes of extents are zeros that are left out of the file.
  var filtered: UInt64 { extents.reduce(0) { $0 + ($1.count - $1.dataCount) } }
  /// How many bytes of extents are to be in the file.
  var stored: UInt64 { extents.reduce(0) { $0 + $1.dataCount } }

  /// So many program headers take 56 MiB, which is as much as their keeping should cost.
  static let extentLimit = 1 << 20
  /// Zeros are left out where at least so many bytes lie together: each such place costs a program
  /// header and padding up to the next page, or at least a span.
  static let leastFiltered: UInt64 = 1 << 16
  private static let step: UInt64 = 1 << 20

  /// Walks through `blocks` of `memory`. Only if `filtersZeros`, its bytes are read.
  init(
    _ memory: PhysicalMemory, _ blocks: [GuestBlock], filtersZeros: Bool,
    release: @escaping @Sendable (ByteView) -> Void
  ) throws(VMCoreError) {
    var releaser = ViewReleaser(release)
    for block in blocks {
      // An extent never reaches over the border of two blocks.
      var open: DumpExtent?
      try memory.forEachStep(in: block.range, bytesLimit: Self.step) {
        start, run throws(VMCoreError) in
        switch run {
        case .absent(let reason, let count):
          try close(&open)
          note(Gap(start: start, count: count, reason: reason))
        case .zeros(let count):
          try extend(&open, from: start, count: count, isData: !filtersZeros)
        case .bytes(let view) where !filtersZeros:
          try extend(&open, from: start, count: UInt64(view.count), isData: true)
          addSpan(from: start, count: UInt64(view.count))
        case .bytes(let view):
          try extend(&open, from: start, around: view)
          releaser.add(view)
        }
      }
      try close(&open)
    }
    releaser.flush()
  }

  /// Adds the bytes of `view` at `start`, some of which may be pages of zeros.
  private mutating func extend(
    _ open: inout DumpExtent?, from start: PhysicalAddress, around view: ByteView
  ) throws(VMCoreError) {
    var next = 0
    try view.bytes.forEachDataRun(at: start.rawValue) { run throws(VMCoreError) in
      let zeros = UInt64(run.lowerBound - next)
      try extend(&open, from: start &+ UInt64(next), count: zeros, isData: false)
      try extend(
        &open, from: start &+ UInt64(run.lowerBound), count: UInt64(run.count), isData: true)
      addSpan(from: start &+ UInt64(run.lowerBound), count: UInt64(run.count))
      next = run.upperBound
    }
    try extend(
      &open, from: start &+ UInt64(next), count: UInt64(view.count - next), isData: false)
  }

  private mutating func extend(
    _ open: inout DumpExtent?, from start: PhysicalAddress, count: UInt64, isData: Bool
  ) throws(VMCoreError) {
    guard count > 0 else { return }
    var extent = open ?? DumpExtent(start: start, count: 0, dataCount: 0)
    if isData {
      if extent.count - extent.dataCount >= Self.leastFiltered {
        open = extent
        try close(&open)
        extent = DumpExtent(start: start, count: 0, dataCount: 0)
      }
      // Zeros before it that are too few to be left out are data with it.
      extent.dataCount = extent.count + count
    }
    extent.count += count
    open = extent
  }

  /// Notes bytes to be read in the extent that is open.
  private mutating func addSpan(from start: PhysicalAddress, count: UInt64) {
    if let last = spans.last, last.extent == extents.count {
      let end = last.start.rawValue + last.count
      // Few zeros in between are found again by reading them.
      if start.rawValue - end < Self.leastFiltered {
        spans[spans.count - 1].count = start.rawValue + count - last.start.rawValue
        return
      }
    }
    spans.append(Span(start: start, count: count, extent: extents.count))
  }

  private mutating func close(_ open: inout DumpExtent?) throws(VMCoreError) {
    guard var extent = open else { return }
    open = nil
    if extent.count - extent.dataCount < Self.leastFiltered { extent.dataCount = extent.count }
    guard extents.count < Self.extentLimit else {
      throw .tooFragmented(
        ranges: UInt64(extents.count) + 1, limit: UInt64(Self.extentLimit))
    }
    extents.append(extent)
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
}
