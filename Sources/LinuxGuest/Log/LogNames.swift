/// The names of the levels of log records, by their numbers (include/linux/kern_levels.h), as
/// dmesg(1) writes them.
public enum LogLevel: UInt8, CaseIterable, Sendable {
  case emerg, alert, crit, err, warn, notice, info, debug

  /// `emerg` …
  public var name: String { "\(self)" }

  /// The level of that name; nil if there is none.
  public init?(named name: String) {
    guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }
}

/// The names of syslog(3)'s facilities, as dmesg(1) writes them; those from 12 to 15 have none.
public enum LogFacility {
  private static let names = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp",
  ]
  private static let firstLocal: UInt8 = 16

  /// `kern`, `user`, …, `local0`; nil for a number without a name.
  public static func name(of number: UInt8) -> String? {
    if number < names.count { return names[Int(number)] }
    guard (firstLocal..<firstLocal + 8).contains(number) else { return nil }
    return "local\(number - firstLocal)"
  }
}
