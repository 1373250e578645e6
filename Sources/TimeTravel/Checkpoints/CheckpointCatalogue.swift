internal import Bytes
internal import Foundation

/// What is known of a recording's moments, kept with it: checkpoints, bookmarks, and the registers at
/// its beginning.
///
/// As JSON:
///
///     { "schema": "varve.timeline/1", "beginning": "cbf29ce484222325",
///       "checkpoints": [ { "name": "varve-1000", "moment": 1000, "bytes": 4096, "pinned": false,
///                          "registers": "…" } ],
///       "bookmarks": [ { "name": "crash", "moment": 1234, "registers": "…" } ] }
public struct CheckpointCatalogue: Hashable, Sendable {
  static let schema = "varve.timeline/1"
  /// The most of each kind that a file may list.
  static let countLimit = 100_000

  /// The registers at the beginning of the recorded range, once they were seen.
  var beginning: StateDigest?
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
    bookmarks.append(bookmark)
    bookmarks.sort { ($0.moment, $0.name) < ($1.moment, $1.name) }
  }

  mutating func removeBookmark(_ name: String) { bookmarks.removeAll { $0.name == name } }

  /// Forgets what isn't within `range`.
  mutating func keep(within range: ClosedRange<Moment>) {
    checkpoints.removeAll { !range.contains($0.moment) }
    bookmarks.removeAll { !range.contains($0.moment) }
  }

  // MARK: JSON

  private struct Document: Codable {
    struct Checkpoint: Codable {
      var name: String
      var moment: UInt64
      var bytes: UInt64
      var pinned: Bool
      var registers: StateDigest
    }
    struct Bookmark: Codable {
      var name: String
      var moment: UInt64
      var registers: StateDigest
    }
    var schema: String
    var beginning: StateDigest?
    var checkpoints: [Checkpoint]
    var bookmarks: [Bookmark]
  }

  /// Throws `.storage` if `json` isn't a catalogue of this schema.
  public init(json: [UInt8]) throws(TimelineError) {
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(json))
    } catch {
      throw .storage("the list of checkpoints can't be read: \(error)")
    }
    guard document.schema == Self.schema else {
      throw .storage("the list of checkpoints has the schema \(document.schema)")
    }
    guard max(document.checkpoints.count, document.bookmarks.count) <= Self.countLimit else {
      throw .storage("the list of checkpoints is too long")
    }
    beginning = document.beginning
    var moments: Set<UInt64> = []
    var names: Set<String> = []
    for item in document.checkpoints {
      guard let name = CheckpointName(item.name), names.insert(item.name).inserted,
        moments.insert(item.moment).inserted
      else { throw .storage("the list of checkpoints has a bad entry: \(item.name)") }
      checkpoints.append(
        Checkpoint(
          name: name, moment: Moment(item.moment), bytes: item.bytes, isPinned: item.pinned,
          digest: item.registers))
    }
    checkpoints.sort { $0.moment < $1.moment }
    for item in document.bookmarks {
      bookmarks.append(
        Bookmark(name: item.name, moment: Moment(item.moment), digest: item.registers))
    }
    bookmarks.sort { ($0.moment, $0.name) < ($1.moment, $1.name) }
  }

  /// Throws `.storage` if that is impossible.
  public func json() throws(TimelineError) -> [UInt8] {
    let document = Document(
      schema: Self.schema, beginning: beginning,
      checkpoints: checkpoints.map {
        .init(
          name: $0.name.text, moment: $0.moment.rawValue, bytes: $0.bytes, pinned: $0.isPinned,
          registers: $0.digest)
      },
      bookmarks: bookmarks.map {
        .init(name: $0.name, moment: $0.moment.rawValue, registers: $0.digest)
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do {
      return Array(try encoder.encode(document))
    } catch {
      throw .storage("the list of checkpoints can't be written: \(error)")
    }
  }
}
