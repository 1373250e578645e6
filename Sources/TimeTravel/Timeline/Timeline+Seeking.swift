/// Where to go.
public enum Destination: Hashable, Sendable {
  case moment(Moment)
  /// 0 to 100: a share of the recorded instructions.
  case percent(Double)
  /// Nanoseconds since the machine was switched on, by its own clock.
  case guestTime(nanoseconds: UInt64)
  case bookmark(String)
}

extension Timeline {
  /// Goes to the first state of a moment, or to just the state that a bookmark names. No breakpoint stops it.
  /// Throws `.outsideRecording` and `.unknownName`.
  public func seek(_ destination: Destination) async throws(TimelineError) -> TimelineStop {
    if case .bookmark(let name) = destination {
      guard let bookmark = bookmarks.first(where: { $0.name == name }) else {
        throw .unknownName(name)
      }
      return try await movement { () async throws(Setback) -> TimelineStop in
        self.commit(try await self.find(bookmark), .done)
      }
    }
    let target = try moment(of: destination)
    guard recorded.contains(target) else {
      throw .outsideRecording(target, recorded: recorded)
    }
    return try await movement { () async throws(Setback) -> TimelineStop in
      try await self.bring(to: target)
      return self.commit(try await self.placeHere(), .done)
    }
  }

  private func moment(of destination: Destination) throws(TimelineError) -> Moment {
    switch destination {
    case .moment(let moment): return moment
    case .guestTime(let nanoseconds): return clock.moment(at: nanoseconds)
    case .bookmark(let name): throw .unknownName(name)
    case .percent(let percent):
      guard percent >= 0, percent <= 100 else { throw .invalidName("\(percent)%") }
      let length = recorded.lowerBound.distance(to: recorded.upperBound)
      let part = (Double(length) * percent / 100).rounded()
      let count = part < Double(length) ? UInt64(part) : length
      return recorded.lowerBound.later(by: count)
    }
  }

  /// How far into the recording the position is, from 0 to 100.
  public var percent: Double {
    let length = recorded.lowerBound.distance(to: recorded.upperBound)
    guard length > 0 else { return 100 }
    return Double(recorded.lowerBound.distance(to: current.moment)) / Double(length) * 100
  }

  // MARK: Bookmarks

  /// All bookmarks, in order of moments.
  public var bookmarks: [Bookmark] { catalogue.bookmarks }

  /// Names the position. Throws `.nameTaken`, and `.invalidName` for one that isn't 1 to 64 letters,
  /// digits, `-`, `_` and `.`.
  public func setBookmark(_ name: String) async throws(TimelineError) {
    guard CheckpointName(name) != nil else { throw .invalidName(name) }
    guard !bookmarks.contains(where: { $0.name == name }) else { throw .nameTaken(name) }
    try await request { () async throws(Setback) in
      self.catalogue.insert(
        Bookmark(
          name: name, moment: self.current.moment, digest: StateDigest(self.current.registers)))
      self.isUnsaved = true
    }
  }

  /// Throws `.unknownName`.
  public func deleteBookmark(_ name: String) async throws(TimelineError) {
    guard bookmarks.contains(where: { $0.name == name }) else { throw .unknownName(name) }
    try await request { () async throws(Setback) in
      self.catalogue.removeBookmark(name)
      self.isUnsaved = true
    }
  }

  private func find(_ bookmark: Bookmark) async throws(Setback) -> Place {
    try await bring(to: bookmark.moment)
    try await apply(.none)
    for _ in 0..<stepLimit {
      let here = try await placeHere()
      if StateDigest(here.registers) == bookmark.digest { return here }
      guard here.moment == bookmark.moment else { break }
      _ = try await stepEngine()
    }
    throw .failed(.diverged(at: bookmark.moment, since: lastAgreement(before: bookmark.moment)))
  }
}
