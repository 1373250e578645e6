import Bytes
import Synchronization
import Targets

/// A page source that has its page only the first few times.
final class VanishingSource: PageSource {
  private let left: Mutex<Int>

  init(views: Int) { left = Mutex(views) }

  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    let isThere = left.withLock { left in
      left -= 1
      return left >= 0
    }
    return isThere
      ? .bytes(ByteView(copying: repeatElement(7, count: Int(limit))))
      : .absent(.unmapped, count: limit)
  }
}

/// Every second page is there.
struct CheckeredSource: PageSource {
  private static let page = ByteView(copying: repeatElement(7, count: 4096))

  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    let left = 4096 - offset % 4096
    return offset / 4096 % 2 == 0
      ? .bytes(Self.page.clampedSubview(at: offset % 4096, count: min(limit, left)))
      : .absent(.excluded, count: min(limit, left))
  }
}
