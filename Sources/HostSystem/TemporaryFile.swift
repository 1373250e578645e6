internal import Bytes
internal import CLinux
internal import Glibc
internal import SystemPackage

/// A file without a name for data that doesn't fit in memory. It is readable by its owner only and
/// vanishes with the last reference, or with the process.
public final class TemporaryFile {
  /// The file, for mapping and reading.
  public let file: OpenFile

  private let output: OutputDescriptor
  private var end: UInt64 = 0

  /// Makes one in `directory`; by default in `$TMPDIR`, else /var/tmp, which is where big ones
  /// belong, as /tmp is often held in memory. `purpose` names it in messages.
  public init(purpose: String, in directory: String? = nil) throws(HostError) {
    let named = Host.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 }
    let place = directory ?? named ?? Self.defaultDirectory
    let name = "\(purpose) (temporary, in \(place))"
    let descriptor = try UnnamedFile.openAnywhere(in: place, for: name)
    file = try OpenFile(adopting: descriptor, path: name)
    output = OutputDescriptor(descriptor: descriptor, path: name)
  }

  private static var defaultDirectory: String {
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    unsafe access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp"
  }

  /// How many bytes it has.
  public var size: UInt64 { end }

  /// Appends `bytes`; whole blocks of zeros become holes.
  public func append(_ bytes: RawSpan) throws(HostError) {
    try output.writeSparsely(bytes, at: end)
    end += UInt64(bytes.byteCount)
  }

  /// Writes `bytes` at `offset`; what is never written before the end is a hole.
  public func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    try output.write(bytes, at: offset)
    end = max(end, offset.addingClamped(UInt64(bytes.byteCount)))
  }

  /// Maps what has been written so far. It mustn't be written any more.
  public func map() throws(HostError) -> MappedFile {
    try output.truncate(to: end)
    return try MappedFile(mapping: file)
  }
}

/// Opening files that have no name.
enum UnnamedFile {
  /// With O_TMPFILE. Throws EOPNOTSUPP, EISDIR or ENOENT where that isn't supported (open(2)).
  static func open(in directory: String, for path: String) throws(HostError) -> Int32 {
    let flags = Int32(VARVE_O_TMPFILE_BIT) | O_DIRECTORY | O_RDWR | O_CLOEXEC
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    return try systemCall("open", path) { unsafe Glibc.open(directory, flags, 0o600) }
  }

  /// With O_TMPFILE, else by making a file and removing its name at once.
  static func openAnywhere(in directory: String, for path: String) throws(HostError) -> Int32 {
    do throws(HostError) {
      return try open(in: directory, for: path)
    } catch .system(_, _, .noSuchFileOrDirectory) {
      // Either an old kernel or a missing directory; making a named file tells them apart.
    } catch .system(_, _, .isDirectory), .system(_, _, .notSupportedOnSocket) {
      // The file system has no O_TMPFILE.
    }
    return try openAndUnlink(in: directory, for: path)
  }

  static func openAndUnlink(in directory: String, for path: String) throws(HostError) -> Int32 {
    let name = "\(directory)/.varve-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
    // Safe: Swift passes the string as a NUL-terminated copy that outlives each call.
    let descriptor = try systemCall("open", path) { unsafe Glibc.open(name, flags, 0o600) }
    do throws(HostError) {
      _ = try systemCall("unlink", path) { unsafe unlink(name) }
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }
}
