import Bytes
import Compression
import Synchronization
import Targets

/// A portion of pages, ready to be written.
struct PackedChunk: Sendable {
  /// What became of a page.
  enum Page: Hashable, Sendable {
    case zeros
    /// So many bytes of `packed`; as many as a page has if it isn't packed.
    case stored(UInt32)
    case absent(MemoryFault.Reason)
  }

  /// Which pages these are. If their kind isn't `.data`, `pages` and `packed` are empty.
  var span: KdumpPlan.Span
  /// In the order of their numbers.
  var pages: [Page] = []
  var packed: PackedPages
  /// The bytes that were packed, which aren't needed any more.
  var views: [ByteView] = []
}

/// Memory of chunks that were written, for those to come.
final class ChunkPool: Sendable {
  private let spare = Mutex<[PackedChunk]>([])

  /// An empty chunk for `span`.
  func take(_ span: KdumpPlan.Span) -> PackedChunk {
    guard span.kind == .data else {
      return PackedChunk(span: span, packed: PackedPages(capacity: 0))
    }
    if var chunk = spare.withLock({ $0.popLast() }) {
      chunk.span = span
      chunk.pages.removeAll(keepingCapacity: true)
      chunk.packed.removeAll()
      chunk.views.removeAll(keepingCapacity: true)
      return chunk
    }
    // A page that doesn't shrink needs a little more than its size while that is found out.
    let capacity = Int((PageChunks.chunkPages + 1) * KdumpPlan.pageSize) + 1024
    return PackedChunk(span: span, packed: PackedPages(capacity: capacity))
  }

  func giveBack(_ chunk: consuming PackedChunk) {
    guard chunk.span.kind == .data else { return }
    let chunk = chunk
    spare.withLock { $0.append(chunk) }
  }
}
