/// A moment in the Gregorian calendar, UTC; in JSON a text: `2026-11-21T09:00:41.123456Z` (ISO 8601).
public struct CivilTime: Hashable, Sendable {
  /// Since 1970 began.
  public let microseconds: Int64

  /// The moment `nanoseconds` after 1970 began; fractions of microseconds are cut.
  public init(nanoseconds: Int64) {
    microseconds = Self.divide(nanoseconds, by: 1000).whole
  }

  init(microseconds: Int64) { self.microseconds = microseconds }

  /// Rounded down, also before 1970.
  private static func divide(_ value: Int64, by unit: Int64) -> (whole: Int64, rest: Int64) {
    let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
    return rest < 0 ? (whole - 1, rest + unit) : (whole, rest)
  }

  private var seconds: Int64 { Self.divide(microseconds, by: 1_000_000).whole }
  private var days: Int64 { Self.divide(seconds, by: 86400).whole }

  /// Year, month and day, both from 1.
  public var date: (year: Int64, month: Int64, day: Int64) {
    // Years are counted from March, so that the leap day is the last; 400 years repeat.
    let (era, dayOfEra) = Self.divide(days + 719_468, by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let fromMarch = (5 * dayOfYear + 2) / 153
    let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * fromMarch + 2) / 5 + 1
    )
  }

  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private func digits(_ number: Int64, _ width: Int, _ fill: Character = "0") -> String {
    let text = "\(number)"
    return String(repeating: fill, count: max(0, width - text.count)) + text
  }

  private var clock: String {
    let time = Self.divide(seconds, by: 86400).rest
    return "\(digits(time / 3600, 2)):\(digits(time / 60 % 60, 2)):\(digits(time % 60, 2))"
  }

  /// `Sat Nov 21 09:00:41 2026`, as ctime(3) writes it.
  public var text: String {
    let (year, month, day) = date
    // 1970 began on a Thursday.
    let weekday = Self.weekdays[Int(Self.divide(days, by: 7).rest)]
    return "\(weekday) \(Self.months[Int(month - 1)]) \(digits(day, 2, " ")) \(clock) \(year)"
  }

  /// `2026-11-21T09:00:41.123456Z`.
  public var iso: String {
    let (year, month, day) = date
    return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))T\(clock)"
      + ".\(digits(Self.divide(microseconds, by: 1_000_000).rest, 6))Z"
  }

  /// The moment that `iso` names, in exactly that form; nil if it is no moment.
  public init?(iso: String) {
    let parts = iso.split { "-T:.Z".contains($0) }.map { Int64($0) }
    guard parts.count == 7, let year = parts[0], let month = parts[1], let day = parts[2],
      let hour = parts[3], let minute = parts[4], let second = parts[5],
      let micro = parts[6], (0...294_000).contains(year), (1...12).contains(month),
      (1...31).contains(day)
    else { return nil }
    let (era, yearOfEra) = Self.divide(month <= 2 ? year - 1 : year, by: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let time = (hour &* 60 &+ minute) &* 60 &+ second
    let found = CivilTime(
      microseconds: ((days - 719_468) * 86400 &+ time) &* 1_000_000 &+ micro)
    guard found.iso == iso else { return nil }
    self = found
  }
}

extension CivilTime: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let time = CivilTime(iso: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: text)
    }
    self = time
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(iso)
  }
}
