public import TimeTravel

/// What there is on the timeline of a recording: `varve timeline DIR`.
public struct TimelineReport: Encodable, Sendable {
  public var schema = "varve.moments/1"
  /// The directory as given.
  public let file: String
  /// For drawing it.
  public let chart: TimelineChart

  public init(_ survey: TimelineSurvey, file: String) {
    self.file = file
    chart = TimelineChart(survey)
  }

  /// A moment as the guest's clock and the recording have it.
  private struct Place: Encodable {
    let moment: UInt64
    let nanoseconds: UInt64
    let name: String?
    let size: UInt64?
    let isKept: Bool?

    init(
      _ moment: Moment, _ clock: GuestClock, name: String? = nil, size: UInt64? = nil,
      isKept: Bool? = nil
    ) {
      self.moment = moment.rawValue
      nanoseconds = clock.nanoseconds(at: moment)
      self.name = name
      self.size = size
      self.isKept = isKept
    }
  }

  private enum CodingKeys: String, CodingKey {
    case schema, file, first, last, checkpoints, bookmarks
  }

  public func encode(to encoder: any Encoder) throws {
    let survey = chart.survey
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schema, forKey: .schema)
    try container.encode(file, forKey: .file)
    try container.encode(Place(survey.recorded.lowerBound, survey.clock), forKey: .first)
    try container.encode(Place(survey.recorded.upperBound, survey.clock), forKey: .last)
    try container.encode(
      survey.checkpoints.map {
        Place(
          $0.moment, survey.clock, name: $0.name.text, size: $0.bytes, isKept: $0.isPinned)
      }, forKey: .checkpoints)
    try container.encode(
      survey.bookmarks.map { Place($0.moment, survey.clock, name: $0.name) }, forKey: .bookmarks)
  }
}

extension TimelineReport {
  /// For people.
  public func text(width: Int = 60) -> String {
    // The chart ends its last line; who prints a report does so, too.
    String(chart.text(width: width).dropLast())
  }
}
