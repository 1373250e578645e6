/// What there is on a timeline: enough to list or draw it.
public struct TimelineSurvey: Hashable, Sendable {
  public let recorded: ClosedRange<Moment>
  /// Where the user is; nil if nobody is replaying.
  public let position: Moment?
  public let clock: GuestClock
  /// In order of moments.
  public let checkpoints: [Checkpoint]
  /// In order of moments.
  public let bookmarks: [Bookmark]
  /// Where breakpoints and watchpoints would stop, as the last enumeration found it, in order of moments.
  public let stops: [Occurrence]

  init(
    recorded: ClosedRange<Moment>, position: Moment?, clock: GuestClock,
    catalogue: CheckpointCatalogue, stops: [Occurrence]
  ) {
    self.recorded = recorded
    self.position = position
    self.clock = clock
    checkpoints = catalogue.checkpoints
    bookmarks = catalogue.bookmarks
    self.stops = stops
  }

  /// What earlier sessions left of a recording that nobody need be replaying.
  ///
  /// - Parameter shift: of the guest's clock if no session has begun yet: an instruction takes 2 to the
  ///   power of this many nanoseconds.
  public init(recorded: ClosedRange<Moment>, shift: UInt8, catalogue: CheckpointCatalogue) {
    var catalogue = catalogue
    catalogue.keep(within: recorded)
    self.init(
      recorded: recorded, position: nil, clock: catalogue.clock ?? GuestClock(shift: shift),
      catalogue: catalogue, stops: [])
  }

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
      recorded: recorded, position: current.moment, clock: clock, catalogue: catalogue,
      stops: found)
  }
}
