internal import Bytes
internal import Targets

/// What one `struct page` says of its page, or of all pages of the block that begins there.
struct PageUse: Hashable {
  /// Why the pages are left out; nil if they stay.
  var kind: PageExclusion.Kind?
  /// How many pages it is said of, this one included.
  var count: UInt64 = 1

  static let kept = PageUse()
}

extension PageFacts {
  /// Decides on page `number`, whose descriptor is at `offset` of `descriptors`; the descriptor of the
  /// page behind it follows, if there is one in the block. In makedumpfile's order
  /// (`__exclude_unnecessary_pages`), so that a page that is several things is counted as it does.
  func use(
    ofPage number: UInt64, in descriptors: ByteView, at offset: UInt64, leavingOut level: DumpLevel
  ) throws(ByteError) -> PageUse {
    let flagBits = try descriptors.load(UInt64.self, at: offset + flags)
    let mappingBits = try descriptors.load(UInt64.self, at: offset + mapping)
    let type = try mapCount.map { place throws(ByteError) in
      try descriptors.load(UInt32.self, at: offset + place)
    }
    if let compoundHead {
      // The first page of a compound page stands for the others (PageTail).
      if try descriptors.load(UInt64.self, at: offset + compoundHead) & 1 != 0 { return .kept }
    }
    let isSlab = flagBits & slab != 0 || type.map { $0 == slabType } ?? false

    if level.contains(.free), let type {
      if let buddyType, type == buddyType, !isSlab, let privateData {
        let order = try descriptors.load(UInt64.self, at: offset + privateData)
        return order < min(orderCount ?? Self.orderLimit, Self.orderLimit)
          ? PageUse(kind: .free, count: 1 << order) : .kept
      }
      if let unacceptedType, type == unacceptedType, let orderCount,
        (1...Self.orderLimit).contains(orderCount)
      {
        return PageUse(kind: .free, count: 1 << (orderCount - 1))
      }
    }
    let block = try block(ofPage: number, in: descriptors, at: offset, flagBits, type)
    let isAnonymous = mappingBits & Self.anonymousMapping != 0 && !isSlab
    if isCache(flagBits), !isAnonymous {
      let isPrivate = flagBits & privateFlag != 0
      if isPrivate ? level.contains(.cacheWithPrivate) : !level.isDisjoint(with: Self.anyCache) {
        return PageUse(kind: isPrivate ? .cachePrivate : .cache, count: block.count)
      }
    }
    if level.contains(.user), isAnonymous || block.isHuge {
      return PageUse(kind: .user, count: block.count)
    }
    if flagBits & poisoned != 0 { return PageUse(kind: .poisoned, count: block.count) }
    if let type, type == offlineType, !isSlab {
      return PageUse(kind: .offline, count: block.count)
    }
    return .kept
  }

  private static let anyCache: DumpLevel = [.cache, .cacheWithPrivate]
  /// `PAGE_MAPPING_ANON` (include/linux/page-flags.h).
  private static let anonymousMapping: UInt64 = 1
  /// No block is of 4 GiB: free ones are of `MAX_ORDER` at most, huge pages of 1 GiB.
  private static let orderLimit: UInt64 = 20

  private func isCache(_ flagBits: UInt64) -> Bool {
    flagBits & lru != 0 || (flagBits & swapCache != 0 && flagBits & (swapBacked ?? .max) != 0)
  }

  private func block(
    ofPage number: UInt64, in descriptors: ByteView, at offset: UInt64, _ flagBits: UInt64,
    _ type: UInt32?
  ) throws(ByteError) -> (count: UInt64, isHuge: Bool) {
    let second = offset + size
    guard let compound, flagBits & head != 0, UInt64(descriptors.count) >= second + size else {
      return (1, false)
    }
    let order = UInt64(try descriptors.load(UInt8.self, at: second + compound.order))
    let isHuge =
      switch compound.hugePages {
      case .type(let value): type == value
      case .flag(let bit): try descriptors.load(UInt64.self, at: second + flags) & bit != 0
      case .destructor(let place, let value):
        try descriptors.load(UInt8.self, at: second + place) == value
      case .unknown: false
      }
    // Blocks lie at multiples of their size; an order that says otherwise is none.
    guard order < Self.orderLimit, number & ((1 << order) - 1) == 0 else { return (1, isHuge) }
    return (1 << order, isHuge)
  }
}
