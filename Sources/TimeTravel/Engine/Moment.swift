/// A position in a recording: how many instructions the machine had executed.
///
/// Several states can share a moment: taking an interrupt or a fault changes the registers and counts
/// nothing. The moment then stands for the first of them, the one in which an engine stops that is
/// told to run up to that count.
public struct Moment: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Instructions executed since the machine was switched on.
  public let rawValue: UInt64

  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable
  public init(_ instructions: UInt64) { rawValue = instructions }

  @inlinable
  public static func < (left: Moment, right: Moment) -> Bool { left.rawValue < right.rawValue }

  /// The moment `count` instructions later; the last representable one past that.
  public func later(by count: UInt64) -> Moment {
    let (sum, overflow) = rawValue.addingReportingOverflow(count)
    return Moment(overflow ? .max : sum)
  }

  /// The moment `count` instructions earlier; zero before that.
  public func earlier(by count: UInt64) -> Moment {
    Moment(rawValue >= count ? rawValue - count : 0)
  }

  /// How many instructions lie between this moment and `other`, whichever comes first.
  public func distance(to other: Moment) -> UInt64 {
    rawValue >= other.rawValue ? rawValue - other.rawValue : other.rawValue - rawValue
  }

  /// The count in decimal.
  public var description: String { String(rawValue) }
}
