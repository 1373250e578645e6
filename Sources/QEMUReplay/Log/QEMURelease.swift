/// A release of QEMU's: `7.2`.
public struct QEMURelease: Hashable, Sendable, Comparable {
  public let major: Int
  public let minor: Int

  public init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// From what QEMU calls itself: `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)`. Nil if no numbers are in
  /// front.
  public init?(_ version: String) {
    let numbers = version.prefix { $0.isNumber || $0 == "." }.split(separator: ".")
    guard numbers.count > 1, let major = Int(numbers[0]), let minor = Int(numbers[1]) else {
      return nil
    }
    self.init(major, minor)
  }

  public static func < (left: QEMURelease, right: QEMURelease) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}
