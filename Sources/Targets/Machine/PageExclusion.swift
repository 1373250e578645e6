/// Which pages of a machine's physical memory a dump is to leave out, and why. A value that whoever
/// knows the guest's kernel makes and whoever writes dumps takes.
public struct PageExclusion: Sendable {
  /// Why a page is left out.
  public enum Kind: UInt8, CaseIterable, Hashable, Sendable, Codable {
    /// Of the page cache or the swap cache, without a file system's own data.
    case cache = 1
    /// Of those caches, with such data.
    case cachePrivate
    /// A process's memory that isn't of a file; of huge pages too.
    case user
    case free
    /// The hardware said that its contents are lost.
    case poisoned
    /// Taken away by a balloon or the like: the guest has nothing in it.
    case offline

    /// The name in JSON.
    public var name: String {
      switch self {
      case .cache: "cache"
      case .cachePrivate: "cachePrivate"
      case .user: "user"
      case .free: "free"
      case .poisoned: "poisoned"
      case .offline: "offline"
      }
    }
  }

  /// In bytes: all pages are of x86's base size.
  public static let pageSize: UInt64 = 4096
  /// How many pages a chunk is of: 128 MiB, a section of the kernel's memory map.
  private static let chunkPages: UInt64 = 1 << 15

  /// By number: the kinds' raw values of a chunk's pages, 0 for pages that stay. Only chunks of which
  /// something is left out are there.
  private var chunks: [UInt64: [UInt8]] = [:]

  public init() {}

  /// Whether nothing is left out.
  public var isEmpty: Bool { chunks.isEmpty }

  /// Leaves out `pages` (numbers: addresses divided by the page size) that aren't left out already.
  public mutating func exclude(_ pages: Range<UInt64>, as kind: Kind) {
    var page = pages.lowerBound
    while page < pages.upperBound {
      let number = page / Self.chunkPages
      let start = number * Self.chunkPages
      let end = min(pages.upperBound - start, Self.chunkPages)
      // In place: a chunk that two owners share would be copied.
      chunks[number, default: Array(repeating: 0, count: Int(Self.chunkPages))]
        .exclude(Int(page - start)..<Int(end), as: kind.rawValue)
      page = start + end
    }
  }

  /// Why `page` is left out, nil if it stays; and how many pages from it on, at most `limit` (which
  /// isn't 0), have that in common.
  public func run(at page: UInt64, limit: UInt64) -> (kind: Kind?, count: UInt64) {
    var kind: UInt8?
    var count: UInt64 = 0
    while count < limit {
      let next = page + count
      let chunk = chunks[next / Self.chunkPages]
      let index = next % Self.chunkPages
      let left = min(limit - count, Self.chunkPages - index)
      let first = chunk?[Int(index)] ?? 0
      guard kind == nil || kind == first else { break }
      kind = first
      let length = chunk?.runLength(of: first, from: Int(index), limit: Int(left)) ?? Int(left)
      count += UInt64(length)
      if UInt64(length) < left { break }
    }
    return (kind.flatMap(Kind.init(rawValue:)), count)
  }

  /// Calls `body` with each run of `pages`, in ascending order.
  public func forEachRun<Failure: Error>(
    in pages: Range<UInt64>, _ body: (Range<UInt64>, Kind?) throws(Failure) -> Void
  ) throws(Failure) {
    var page = pages.lowerBound
    while page < pages.upperBound {
      let (kind, count) = run(at: page, limit: pages.upperBound - page)
      try body(page..<page + count, kind)
      page += count
    }
  }
}

extension [UInt8] {
  fileprivate mutating func exclude(_ pages: Range<Int>, as kind: UInt8) {
    for page in pages where self[page] == 0 { self[page] = kind }
  }

  /// How many elements from `start` on, at most `limit`, are `value`.
  fileprivate func runLength(of value: UInt8, from start: Int, limit: Int) -> Int {
    var length = 0
    while length < limit, self[start + length] == value { length += 1 }
    return length
  }
}
