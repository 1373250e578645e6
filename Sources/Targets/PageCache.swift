public import Bytes
internal import Synchronization

/// Keeps a bounded number of pages by their numbers, for a source whose pages are costly to fetch.
/// When it is full it forgets all: structures that are visited again come back at once.
public final class PageCache: Sendable {
  private let pages = Mutex<[UInt64: ByteView]>([:])
  private let limit: Int

  /// `limit` is the number of pages.
  public init(limit: Int) { self.limit = limit }

  public subscript(_ page: UInt64) -> ByteView? {
    get { pages.withLock { $0[page] } }
    set {
      pages.withLock { pages in
        if pages.count >= limit { pages.removeAll(keepingCapacity: true) }
        pages[page] = newValue
      }
    }
  }
}
