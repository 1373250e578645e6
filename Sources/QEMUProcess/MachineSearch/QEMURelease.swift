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

  /// The release that a machine's name ends with, as `pc-i440fx-7.2` does: QEMU is of that release
  /// or a later one.
  init?(machine: String) {
    guard let last = machine.split(separator: "-").last else { return nil }
    let numbers = last.split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else {
      return nil
    }
    self.init(major: major, minor: minor)
  }

  public static func < (left: Self, right: Self) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  /// Since this release nothing has changed that a release decides.
  static let newestChange = QEMURelease(major: 9, minor: 2)

  /// How the release numbers TCG's flag operations.
  public var flagNumbering: FlagOperation.Numbering {
    FlagOperation.Numbering(major: major, minor: minor)
  }
}

extension FlagOperation.Numbering {
  /// The numberings that `release` can have or, if it isn't known, a QEMU whose CPUs have `others`
  /// bytes of newer registers: 72 since 9.1, more later.
  static func possible(release: QEMURelease?, others: UInt64?) -> [FlagOperation.Numbering] {
    if let release { return [release.flagNumbering] }
    switch others {
    case .some(..<72): return [.original]
    case 72?: return [.grouped, .aligned]
    case .some: return [.aligned]
    case nil: return allCases
    }
  }
}
