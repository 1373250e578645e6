internal import Bytes

/// What is known of a recording's moments, kept with it: checkpoints, bookmarks, the registers at its
/// beginning, the guest's clock, and where the engine hangs watching memory.
public struct CheckpointCatalogue: Hashable, Sendable {
  /// The registers at the beginning of the recorded range, once they were seen.
  var beginning: StateDigest?
  /// As the engine told it last; nil if no session has begun yet.
  public internal(set) var clock: GuestClock?
  /// Where the engine can't watch memory: it hung trying.
  var blindMoments: Set<Moment> = []
  /// In order of moments, each of another.
  public private(set) var checkpoints: [Checkpoint] = []
  /// In order of moments.
  public private(set) var bookmarks: [Bookmark] = []

  public init() {}

  // MARK: Looking up

  /// How many checkpoints come at or before `moment`.
  private func count(atOrBefore moment: Moment) -> Int {
    partition(checkpoints.count) { checkpoints[$0].moment <= moment }
  }

  func last(atOrBefore moment: Moment) -> Checkpoint? {
    let count = count(atOrBefore: moment)
    return count > 0 ? checkpoints[count - 1] : nil
  }

  func first(after moment: Moment) -> Checkpoint? {
    let index = count(atOrBefore: moment)
    return index < checkpoints.count ? checkpoints[index] : nil
  }

  func checkpoint(at moment: Moment) -> Checkpoint? {
    guard let last = last(atOrBefore: moment), last.moment == moment else { return nil }
    return last
  }

  /// Bytes on disk of all checkpoints.
  public var bytes: UInt64 { checkpoints.reduce(0) { $0.saturatingAdd($1.bytes) } }

  // MARK: Changing

  /// Replaces one at the same moment.
  mutating func insert(_ checkpoint: Checkpoint) {
    let index = count(atOrBefore: checkpoint.moment)
    if index > 0, checkpoints[index - 1].moment == checkpoint.moment {
      checkpoints[index - 1] = checkpoint
    } else {
      checkpoints.insert(checkpoint, at: index)
    }
  }

  mutating func remove(_ name: CheckpointName) { checkpoints.removeAll { $0.name == name } }

  /// Forgets every checkpoint that `names` hasn't.
  mutating func keep(_ names: Set<CheckpointName>) {
    checkpoints.removeAll { !names.contains($0.name) }
  }

  mutating func insert(_ bookmark: Bookmark) {
    let index = partition(bookmarks.count) {
      (bookmarks[$0].moment, bookmarks[$0].name) < (bookmark.moment, bookmark.name)
    }
    bookmarks.insert(bookmark, at: index)
  }

  mutating func removeBookmark(_ name: String) { bookmarks.removeAll { $0.name == name } }

  /// Forgets what isn't within `range`.
  mutating func keep(within range: ClosedRange<Moment>) {
    checkpoints.removeAll { !range.contains($0.moment) }
    bookmarks.removeAll { !range.contains($0.moment) }
    blindMoments = blindMoments.filter { range.contains($0) }
  }
}
