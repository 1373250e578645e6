import Bytes

/// A bitmap of pages in a kdump-compressed dump: a byte holds eight pages, the first in its lowest
/// bit.
struct PageBitmap: Sendable {
  private let bytes: ByteView
  /// One more than the highest page number.
  let count: UInt64

  /// Of `bytes`, `count` bits, or as many as there are.
  init(_ bytes: ByteView, count: UInt64) {
    self.bytes = bytes
    self.count = min(count, UInt64(bytes.count) * 8)
  }

  /// The 64 pages from `64 * index` on; what lies beyond the end is clear.
  func word(_ index: UInt64) -> UInt64 {
    let first = index * 64
    guard first < count else { return 0 }
    let mask: UInt64 = count - first >= 64 ? .max : 1 << (count - first) - 1
    do throws(ByteError) {
      return try bytes.load(UInt64.self, at: index * 8) & mask
    } catch {
      var word: UInt64 = 0
      for (shift, byte) in bytes.clampedSubview(at: index * 8, count: 8).copy().enumerated() {
        word |= UInt64(byte) << UInt64(8 * shift)
      }
      return word & mask
    }
  }

  func contains(_ page: UInt64) -> Bool { word(page / 64) >> (page % 64) & 1 != 0 }

  /// The first page from `page` on, before `end`, that is set, or clear; nil if there is none.
  func first(set wanted: Bool, from page: UInt64, before end: UInt64) -> UInt64? {
    let end = min(end, count)
    var next = page
    while next < end {
      let word = wanted ? word(next / 64) : ~word(next / 64)
      let rest = word >> (next % 64)
      if rest != 0 {
        let found = next + UInt64(rest.trailingZeroBitCount)
        return found < end ? found : nil
      }
      next = (next / 64 + 1) * 64
    }
    return nil
  }

  /// Ranges of pages that are set, at most `limit`.
  func ranges(limit: Int) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    var next: UInt64 = 0
    while ranges.count < limit, let start = first(set: true, from: next, before: count) {
      let end = first(set: false, from: start, before: count) ?? count
      ranges.append(start..<end)
      next = end
    }
    return ranges
  }
}

/// How many pages of a bitmap come before a page: its place among the descriptors.
struct PageRanks: Sendable {
  private let bitmap: PageBitmap
  /// How many pages are set before each block of 64 words.
  private let before: [UInt64]

  private static let blockWords: UInt64 = 64

  init(_ bitmap: PageBitmap) {
    self.bitmap = bitmap
    var before: [UInt64] = []
    var sum: UInt64 = 0
    let words = (bitmap.count + 63) / 64
    before.reserveCapacity(Int(words / Self.blockWords + 1))
    for index in 0..<words {
      if index % Self.blockWords == 0 { before.append(sum) }
      sum += UInt64(bitmap.word(index).nonzeroBitCount)
    }
    self.before = before
  }

  /// How many pages below `page`, which may lie beyond the bitmap, are set.
  func rank(below page: UInt64) -> UInt64 {
    guard page >= bitmap.count else { return rank(of: page) }
    guard bitmap.count > 0 else { return 0 }
    let last = bitmap.count - 1
    return rank(of: last) + (bitmap.contains(last) ? 1 : 0)
  }

  /// `page` lies in the bitmap.
  func rank(of page: UInt64) -> UInt64 {
    let word = page / 64
    let block = word / Self.blockWords
    guard block < before.count else { return 0 }
    var rank = before[Int(block)]
    for index in block * Self.blockWords..<word {
      rank += UInt64(bitmap.word(index).nonzeroBitCount)
    }
    let below = bitmap.word(word) & (1 << (page % 64) - 1)
    return rank + UInt64(below.nonzeroBitCount)
  }
}
