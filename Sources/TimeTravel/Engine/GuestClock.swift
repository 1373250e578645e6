internal import Bytes

/// Relates instruction counts to the guest's clock.
///
/// While the guest computes, each instruction takes a fixed time; while it sleeps, its clock goes on
/// without any. Known pairs of the two, noted while recording, keep the second from adding up; between
/// two of them time is taken to be even.
public struct GuestClock: Hashable, Sendable {
  /// One known pair.
  public struct Mark: Hashable, Sendable {
    public let moment: Moment
    /// Nanoseconds since the machine was switched on.
    public let nanoseconds: UInt64

    public init(_ moment: Moment, nanoseconds: UInt64) {
      self.moment = moment
      self.nanoseconds = nanoseconds
    }
  }

  /// An instruction takes 2 to the power of this many nanoseconds (QEMU's `-icount shift=`).
  public let shift: UInt8
  /// In order of both moment and time, beginning with zero at zero.
  let marks: [Mark]

  /// Marks that contradict earlier ones, in order of moments, are left out.
  public init(shift: UInt8, marks: [Mark] = []) {
    self.shift = min(shift, 63)
    var kept = [Mark(Moment(0), nanoseconds: 0)]
    for mark in marks.sorted(by: { $0.moment < $1.moment }) {
      let last = kept[kept.count - 1]
      guard mark.moment > last.moment, mark.nanoseconds >= last.nanoseconds else { continue }
      kept.append(mark)
    }
    self.marks = kept
  }

  /// The guest's time at `moment` in nanoseconds; exact only without sleep or at a mark.
  public func nanoseconds(at moment: Moment) -> UInt64 {
    let index = partition(marks.count) { marks[$0].moment <= moment } - 1
    let before = marks[index]
    let count = before.moment.distance(to: moment)
    guard index + 1 < marks.count else {
      return before.nanoseconds.saturatingAdd(count.saturatingShift(by: shift))
    }
    let after = marks[index + 1]
    return before.nanoseconds
      + count.scaled(
        by: after.nanoseconds - before.nanoseconds, over: before.moment.distance(to: after.moment))
  }

  /// The last moment whose time isn't after `nanoseconds`.
  public func moment(at nanoseconds: UInt64) -> Moment {
    let index = partition(marks.count) { marks[$0].nanoseconds <= nanoseconds } - 1
    let before = marks[index]
    let time = nanoseconds - before.nanoseconds
    guard index + 1 < marks.count else { return before.moment.later(by: time >> UInt64(shift)) }
    let after = marks[index + 1]
    let count = time.scaled(
      by: before.moment.distance(to: after.moment), over: after.nanoseconds - before.nanoseconds)
    return before.moment.later(by: count)
  }
}

extension UInt64 {
  func saturatingAdd(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  func saturatingMultiply(_ other: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }

  func saturatingShift(by count: UInt8) -> UInt64 {
    self > UInt64.max >> UInt64(count) ? .max : self << UInt64(count)
  }

  /// self · `numerator` / `denominator`, for self ≤ denominator ≠ 0, rounded down.
  func scaled(by numerator: UInt64, over denominator: UInt64) -> UInt64 {
    guard denominator > 0, self < denominator else { return numerator }
    return denominator.dividingFullWidth(multipliedFullWidth(by: numerator)).quotient
  }
}
