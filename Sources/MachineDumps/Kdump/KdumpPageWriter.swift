import Bytes
import Compression
import HostSystem
import ObjectFiles
import Targets

/// The second bitmap, descriptors and contents of a kdump's pages, as they are written from the
/// first page to the last.
struct KdumpPageWriter {
  private let output: any DumpOutput
  private let filtersZeros: Bool
  private let flag: UInt32
  private let progress: ProgressMeter
  private var releaser: ViewReleaser
  private var bitmap: BitmapStream
  private var descriptors: AppendStream
  /// Of the page of zeros that all share.
  private let zeroDescriptor: [UInt8]
  /// Where the next packed page will lie.
  private var position: UInt64
  private var summary = VMCoreSummary()
  private var hasZeroPage = false

  private static let pageSize = KdumpPlan.pageSize

  init(
    _ output: any DumpOutput, layout: KdumpLayout, plan: KdumpPlan, compression: PageCompression,
    filtersZeros: Bool, release: @escaping @Sendable (ByteView) -> Void, progress: ProgressHandler
  ) {
    self.output = output
    self.filtersZeros = filtersZeros
    releaser = ViewReleaser(release)
    flag = compression.kdumpFlag
    self.progress = ProgressMeter(
      "writing memory", total: plan.pageCount { _ in true } * Self.pageSize, progress)
    bitmap = BitmapStream(
      output, at: layout.secondBitmap, size: layout.bitmapBlocks * KdumpLayout.blockSize)
    descriptors = AppendStream(output, at: layout.descriptors)
    // How many pages are filtered or turn out to be absent isn't known yet. Room for descriptors
    // that nobody needs stays a hole.
    let pageCount = plan.pageCount { kind in
      switch kind {
      case .data: true
      case .zeros: !filtersZeros
      case .absent, .excluded: false
      }
    }
    let zeroPage = layout.pages(after: pageCount)
    position = zeroPage
    var zeros: [UInt8] = []
    KdumpPageDescriptor(offset: zeroPage, size: UInt32(Self.pageSize), flags: 0)
      .encode(into: &zeros)
    zeroDescriptor = zeros
  }

  /// Writes the pages of `chunk`, which follow those of the chunk before.
  mutating func write(_ chunk: borrowing PackedChunk) throws(VMCoreError) {
    if !hasZeroPage, !filtersZeros {
      // Before all others, so that its place is known.
      let zeros = ByteView(copying: repeatElement(0, count: Int(Self.pageSize)))
      try hosted { () throws(HostError) in try output.write(zeros.bytes, at: position) }
      position += Self.pageSize
      hasZeroPage = true
    }
    let pages = chunk.span.pages
    switch chunk.span.kind {
    case .absent(let reason): addAbsent(reason, count: pages.upperBound - pages.lowerBound)
    case .excluded(let kind):
      summary.excluded[kind, default: 0] +=
        (pages.upperBound - pages.lowerBound) * Self.pageSize
    case .zeros: try addZeros(pages)
    case .data: try writeData(chunk)
    }
    for view in chunk.views { releaser.add(view) }
    progress.add((pages.upperBound - pages.lowerBound) * Self.pageSize)
  }

  /// Writes what is still in memory, and gives what became of all pages.
  mutating func finish() throws(VMCoreError) -> VMCoreSummary {
    try bitmap.flush()
    try descriptors.flush()
    let size = position
    try hosted { () throws(HostError) in try output.finish(size: size) }
    summary.fileSize = size
    releaser.flush()
    progress.finish()
    return summary
  }

  private mutating func addAbsent(_ reason: MemoryFault.Reason, count: UInt64) {
    summary.absent[reason, default: 0] += count * Self.pageSize
  }

  private mutating func addZeros(_ pages: Range<UInt64>) throws(VMCoreError) {
    let count = pages.upperBound - pages.lowerBound
    guard !filtersZeros else {
      summary.filtered += count * Self.pageSize
      return
    }
    try bitmap.set(pages)
    var left = count
    while left > 0 {
      let step = min(left, 128)
      try descriptors.append { bytes in
        for _ in 0..<step { bytes.append(contentsOf: zeroDescriptor) }
      }
      left -= step
    }
    summary.written += count * Self.pageSize
    summary.zeros += count * Self.pageSize
  }

  private mutating func writeData(_ chunk: borrowing PackedChunk) throws(VMCoreError) {
    let first = chunk.span.pages.lowerBound
    var index = 0
    while index < chunk.pages.count {
      // Pages of one kind together.
      var end = index + 1
      while end < chunk.pages.count, chunk.pages[index].isLike(chunk.pages[end]) { end += 1 }
      let numbers = first + UInt64(index)..<first + UInt64(end)
      switch chunk.pages[index] {
      case .absent(let reason): addAbsent(reason, count: UInt64(end - index))
      case .zeros: try addZeros(numbers)
      case .stored:
        try bitmap.set(numbers)
        try describe(chunk.pages[index..<end])
        summary.written += UInt64(end - index) * Self.pageSize
      }
      index = end
    }
    let size = UInt64(chunk.packed.count)
    guard size > 0 else { return }
    let start = position - size
    try hosted { () throws(HostError) in try output.write(chunk.packed.bytes, at: start) }
  }

  /// Appends descriptors of stored pages, and moves `position` behind them.
  private mutating func describe(
    _ pages: ArraySlice<PackedChunk.Page>
  ) throws(VMCoreError) {
    var next = position
    try descriptors.append { bytes in
      for case .stored(let size) in pages {
        let isPacked = UInt64(size) < Self.pageSize
        KdumpPageDescriptor(offset: next, size: size, flags: isPacked ? flag : 0)
          .encode(into: &bytes)
        next += UInt64(size)
      }
    }
    position = next
  }
}

extension PackedChunk.Page {
  /// Whether both have the same fate, whatever their sizes.
  fileprivate func isLike(_ other: Self) -> Bool {
    switch (self, other) {
    case (.stored, .stored): true
    default: self == other
    }
  }
}
