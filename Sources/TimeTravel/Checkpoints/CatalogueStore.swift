internal import Bytes
internal import HostSystem

/// Where a catalogue is kept between sessions.
public protocol CatalogueStore: Sendable {
  /// What was saved last; nil if nothing ever was. Throws `.storage`.
  func load() throws(TimelineError) -> CheckpointCatalogue?
  /// Replaces what was saved, wholly or not at all. Throws `.storage`.
  func save(_ catalogue: CheckpointCatalogue) throws(TimelineError)
}

/// A catalogue in a JSON file of its own, readable by its owner only.
public struct CatalogueFile: CatalogueStore {
  /// Larger ones aren't read.
  static let sizeLimit = 64 << 20

  public let path: String

  public init(_ path: String) { self.path = path }

  public func load() throws(TimelineError) -> CheckpointCatalogue? {
    let json: [UInt8]
    do throws(HostError) {
      json = try OpenFile.open(path).contents(limit: Self.sizeLimit).copy()
    } catch {
      if error.isAbsence { return nil }
      throw .storage("\(error)")
    }
    return try CheckpointCatalogue(json: json)
  }

  public func save(_ catalogue: CheckpointCatalogue) throws(TimelineError) {
    let json = try catalogue.json()
    do throws(HostError) {
      let file = try AtomicOutputFile(path, replacing: true)
      try file.write(ByteView(copying: json), at: 0)
      try file.commit(synchronizing: false)
    } catch {
      throw .storage("\(error)")
    }
  }
}
