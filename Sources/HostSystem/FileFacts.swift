internal import Glibc
internal import SystemPackage

/// What the file system says of a file without its being read.
public struct FileFacts: Hashable, Sendable {
  /// In bytes.
  public let size: UInt64
  /// When it was last written: seconds since 1970, and nanoseconds of that second.
  public let modifiedSeconds: Int64
  public let modifiedNanoseconds: Int64
  public let isDirectory: Bool
  public let isRegular: Bool

  /// Throws `.system`: no such file, or it can't be reached.
  public init(_ path: String) throws(HostError) {
    var status = stat()
    // Safe: the string's copy and `status` outlive the call.
    _ = try systemCall("stat", path) { unsafe stat(path, &status) }
    size = UInt64(max(0, status.st_size))
    modifiedSeconds = Int64(status.st_mtim.tv_sec)
    modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
    isDirectory = status.st_mode & S_IFMT == S_IFDIR
    isRegular = status.st_mode & S_IFMT == S_IFREG
  }
}

/// How many bytes long the open file is that `path` was the name of.
func fileSize(_ descriptor: Int32, _ path: String) throws(HostError) -> UInt64 {
  var status = stat()
  // Safe: `status` outlives the call.
  _ = try systemCall("fstat", path) { unsafe fstat(descriptor, &status) }
  return UInt64(max(0, status.st_size))
}

/// Names in the file system.
public enum FileNames {
  /// The current directory.
  public static func currentDirectory() throws(HostError) -> String { try absolute(".") }

  /// `path` from the root, without links. Throws `.system` if there is no such file.
  public static func absolute(_ path: String) throws(HostError) -> String {
    // Safe: the string's copy outlives the call, and the result is freed after it was copied.
    guard let result = unsafe realpath(path, nil) else {
      throw .last(call: "realpath", path: path)
    }
    defer { unsafe free(result) }
    return unsafe String(cString: result)
  }

  /// Makes the directory `path`, which only its owner may enter. Throws `.outputExists` if there is
  /// something of that name.
  public static func makeDirectory(_ path: String) throws(HostError) {
    do throws(HostError) {
      // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
      _ = try systemCall("mkdir", path) { unsafe mkdir(path, 0o700) }
    } catch .system(_, _, .fileExists) {
      throw .outputExists(path: path)
    }
  }

  /// Removes the file `path`.
  public static func remove(_ path: String) throws(HostError) {
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    _ = try systemCall("unlink", path) { unsafe unlink(path) }
  }

  /// The program that `name` is run as: itself if it has a slash, else the first in PATH; nil if there
  /// is none.
  public static func program(_ name: String) -> String? {
    let candidates =
      name.contains("/")
      ? [name]
      : (Host.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(name)" }
    // Safe: Swift passes the strings as NUL-terminated copies that outlive the calls.
    return candidates.first { unsafe access($0, X_OK) == 0 }
  }
}

extension OpenFile {
  /// Makes the file `path`, readable by its owner only, for a program to write its output to. An
  /// existing one is emptied.
  public static func log(_ path: String) throws(HostError) -> OpenFile {
    let flags = O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    let descriptor = try systemCall("open", path) { unsafe Glibc.open(path, flags, 0o600) }
    return try OpenFile(adopting: descriptor, path: path)
  }
}
