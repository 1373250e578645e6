/// What there is on a timeline: enough to list or draw it.
public struct TimelineSurvey: Hashable, Sendable {
  public let recorded: ClosedRange<Moment>
  public let position: Moment
  public let clock: GuestClock
  /// In order of moments.
  public let checkpoints: [Checkpoint]
  /// In order of moments.
  public let bookmarks: [Bookmark]

  /// How far into the recording `moment` is, from 0 to 1.
  public func share(_ moment: Moment) -> Double {
    let length = recorded.lowerBound.distance(to: recorded.upperBound)
    guard length > 0 else { return 1 }
    let clamped = min(max(moment, recorded.lowerBound), recorded.upperBound)
    return Double(recorded.lowerBound.distance(to: clamped)) / Double(length)
  }

  /// The guest's clock at `moment` in seconds, to the microsecond: `12.345678s`.
  public func guestTime(_ moment: Moment) -> String {
    let microseconds = clock.nanoseconds(at: moment) / 1000
    let fraction = String(microseconds % 1_000_000)
    let zeros = String(repeating: "0", count: 6 - fraction.utf8.count)
    return "\(microseconds / 1_000_000).\(zeros)\(fraction)s"
  }
}

extension Timeline {
  public var survey: TimelineSurvey {
    TimelineSurvey(
      recorded: recorded, position: current.moment, clock: clock,
      checkpoints: catalogue.checkpoints, bookmarks: catalogue.bookmarks)
  }
}
