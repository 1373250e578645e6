internal import Foundation

/// A catalogue as JSON has it. What later versions added is left out by files of earlier ones.
///
///     { "schema": "varve.timeline/2", "beginning": "cbf29ce484222325",
///       "checkpoints": [ { "name": "varve-1000", "moment": 1000, "bytes": 4096, "pinned": false,
///                          "registers": "…" } ],
///       "bookmarks": [ { "name": "crash", "moment": 1234, "registers": "…" } ],
///       "blind": [ 70300, 70301 ],
///       "clock": { "shift": 3, "marks": [ { "moment": 5000, "nanoseconds": 123456 } ] } }
struct CatalogueDocument: Codable {
  static let schema = "varve.timeline/2"
  /// The most of each kind that a file may list.
  static let countLimit = 100_000

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

  struct Clock: Codable {
    var shift: UInt8
    var marks: [Mark]
  }

  struct Mark: Codable {
    var moment: UInt64
    var nanoseconds: UInt64
  }

  var schema: String
  var beginning: StateDigest?
  var checkpoints: [Checkpoint]
  var bookmarks: [Bookmark]
  var blind: [UInt64]?
  var clock: Clock?

  /// Throws `.storage` if `json` isn't a catalogue of this schema, or has too many entries.
  init(json: [UInt8]) throws(TimelineError) {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(json))
    } catch {
      throw .storage("the list of checkpoints can't be read: \(error)")
    }
    guard schema == Self.schema else {
      throw .storage("the list of checkpoints has the schema \(schema)")
    }
    let counts = [
      checkpoints.count, bookmarks.count, blind?.count ?? 0, clock?.marks.count ?? 0,
    ]
    guard counts.allSatisfy({ $0 <= Self.countLimit }) else {
      throw .storage("the list of checkpoints is too long")
    }
  }

  init(_ catalogue: CheckpointCatalogue) {
    schema = Self.schema
    beginning = catalogue.beginning
    checkpoints = catalogue.checkpoints.map {
      Checkpoint(
        name: $0.name.text, moment: $0.moment.rawValue, bytes: $0.bytes, pinned: $0.isPinned,
        registers: $0.digest)
    }
    bookmarks = catalogue.bookmarks.map {
      Bookmark(name: $0.name, moment: $0.moment.rawValue, registers: $0.digest)
    }
    blind = catalogue.blindMoments.isEmpty ? nil : catalogue.blindMoments.map(\.rawValue).sorted()
    clock = catalogue.clock.map { clock in
      Clock(
        shift: clock.shift,
        marks: clock.marks.map { Mark(moment: $0.moment.rawValue, nanoseconds: $0.nanoseconds) })
    }
  }

  /// Throws `.storage` if that is impossible.
  func json() throws(TimelineError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do {
      return Array(try encoder.encode(self))
    } catch {
      throw .storage("the list of checkpoints can't be written: \(error)")
    }
  }
}

extension CheckpointCatalogue {
  /// Throws `.storage` if `json` isn't a catalogue of this schema.
  public init(json: [UInt8]) throws(TimelineError) {
    self.init()
    let document = try CatalogueDocument(json: json)
    beginning = document.beginning
    var moments: Set<UInt64> = []
    var names: Set<String> = []
    for item in document.checkpoints {
      guard let name = CheckpointName(item.name), names.insert(item.name).inserted,
        moments.insert(item.moment).inserted
      else { throw .storage("the list of checkpoints has a bad entry: \(item.name)") }
      insert(
        Checkpoint(
          name: name, moment: Moment(item.moment), bytes: item.bytes, isPinned: item.pinned,
          digest: item.registers))
    }
    names = []
    for item in document.bookmarks {
      guard CheckpointName(item.name) != nil, names.insert(item.name).inserted else {
        throw .storage("the list of bookmarks has a bad entry: \(item.name)")
      }
      insert(Bookmark(name: item.name, moment: Moment(item.moment), digest: item.registers))
    }
    blindMoments = Set((document.blind ?? []).lazy.map { Moment($0) })
    clock = document.clock.map { clock in
      GuestClock(
        shift: clock.shift,
        marks: clock.marks.map { .init(Moment($0.moment), nanoseconds: $0.nanoseconds) })
    }
  }

  /// Throws `.storage` if that is impossible.
  public func json() throws(TimelineError) -> [UInt8] { try CatalogueDocument(self).json() }
}
