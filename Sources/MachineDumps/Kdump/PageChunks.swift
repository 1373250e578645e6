import ObjectFiles

/// The pages of a plan in portions: what is packed at a time. Spans that need no look at their bytes
/// come whole.
struct PageChunks: IteratorProtocol, Sendable {
  private let spans: [KdumpPlan.Span]
  private var index = 0
  /// How many pages of the span at `index` were given.
  private var done: UInt64 = 0

  /// How many pages of data are packed at a time: 512 KiB.
  static let chunkPages: UInt64 = 128

  init(_ plan: KdumpPlan) { spans = plan.spans }

  mutating func next() -> KdumpPlan.Span? {
    guard index < spans.count else { return nil }
    var chunk = spans[index]
    if chunk.kind == .data {
      let first = chunk.pages.lowerBound + done
      let last = min(chunk.pages.upperBound, first + Self.chunkPages)
      chunk.pages = first..<last
      done += Self.chunkPages
      if last < spans[index].pages.upperBound { return chunk }
    }
    index += 1
    done = 0
    return chunk
  }
}
