/// A release of QEMU.
public struct QEMURelease: Hashable, Comparable, Sendable {
  public let major: Int
  public let minor: Int

  public init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// The release that a version as QEMU prints it begins with: `7.2.22 (Debian 1:7.2+dfsg-7)`.
  public init?(version: String) {
    let numbers = version.prefix { $0 == "." || ("0"..."9").contains($0) }
      .split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count >= 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else {
      return nil
    }
    self.init(major: major, minor: minor)
  }

  public static func < (left: Self, right: Self) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  /// How the release numbers TCG's flag operations.
  public var flagNumbering: FlagOperation.Numbering {
    FlagOperation.Numbering(major: major, minor: minor)
  }
}
