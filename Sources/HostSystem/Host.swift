internal import Glibc
internal import SystemPackage

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

  /// What the system says of the errno value `code`.
  public static func errorText(_ code: Int32) -> String { Errno(rawValue: code).description }

  /// Sets the environment variable `name` for this process and the libraries in it. To be called
  /// before other threads read the environment.
  public static func setEnvironment(_ name: String, to value: String) {
    // Safe: Swift passes both strings as NUL-terminated copies, which setenv(3) copies again.
    _ = unsafe setenv(name, value, 1)
  }

  /// Whether `path` names something that this process may read.
  public static func isReadable(_ path: String) -> Bool {
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    unsafe access(path, R_OK) == 0
  }

  /// Whether the file descriptor `descriptor` (1: output, 2: errors) is a terminal.
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }
}
