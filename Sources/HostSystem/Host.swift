internal import Glibc

/// Facts about the machine and process that this program runs as.
public enum Host {
  /// The size of a memory page in bytes.
  public static let pageSize = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)

  /// How many processors are online; at least 1.
  public static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// The environment variable `name`; nil if it isn't set.
  public static func environment(_ name: String) -> String? {
    // Safe: the text is copied at once.
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// Whether the file descriptor `descriptor` (1: output, 2: errors) is a terminal.
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }
}
