internal import CLinux
internal import Glibc
internal import SystemPackage

/// Which file something is, whatever its name: two names of one file have equal identities.
public struct FileIdentity: Hashable, Sendable {
  public let device: UInt64
  public let inode: UInt64
}

/// An open regular file. It is closed when the last reference goes.
public final class OpenFile: Sendable {
  /// The name it was opened by; for a file without one, what to call it in messages.
  public let path: String
  public let identity: FileIdentity
  let descriptor: Int32

  /// Takes over `descriptor`, which a library opened for reading; `path` names it in messages.
  /// Throws `.notRegularFile`, and closes it, if it is something else.
  public init(adopting descriptor: Int32, path: String) throws(HostError) {
    self.path = path
    self.descriptor = descriptor
    var status = stat()
    do throws(HostError) {
      // Safe: `status` outlives the call.
      _ = try systemCall("fstat", path) { unsafe fstat(descriptor, &status) }
      try requireRegular(status, path)
    } catch {
      close(descriptor)
      throw error
    }
    identity = FileIdentity(status)
  }

  deinit {
    // Linux frees the descriptor even if close(2) reports EINTR, so it isn't called again.
    close(descriptor)
  }

  /// Opens `path` for reading. Anything but a regular file is refused before it is opened: opening
  /// a FIFO waits, and opening a device may do anything.
  public static func open(_ path: String) throws(HostError) -> OpenFile {
    var status = stat()
    // Safe: the string's copy and `status` outlive the call.
    _ = try systemCall("stat", path) { unsafe stat(path, &status) }
    try requireRegular(status, path)
    // O_NONBLOCK in case a FIFO took the file's place meanwhile.
    let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    let descriptor = try systemCall("open", path) { unsafe Glibc.open(path, flags) }
    return try OpenFile(adopting: descriptor, path: path)
  }

  /// How many bytes the file has now.
  public func size() throws(HostError) -> UInt64 {
    try fileSize(descriptor, path)
  }

  /// Waits until what was written to the file, by whomever, is on disk.
  public func synchronize() throws(HostError) {
    _ = try systemCall("fsync", path) { fsync(descriptor) }
  }

  /// The parts of `range` that hold data, in order; the rest are holes, which read as zeros. File
  /// systems that know no holes report everything as data.
  public func dataRanges(in range: Range<UInt64>) throws(HostError) -> [Range<UInt64>] {
    let end = min(range.upperBound, UInt64(Int64.max))
    var ranges: [Range<UInt64>] = []
    var position = range.lowerBound
    while position < end {
      guard let start = try seek(VARVE_SEEK_DATA, from: position), start < end else { break }
      let stop = min(try seek(VARVE_SEEK_HOLE, from: start) ?? end, end)
      if stop <= start { break }
      ranges.append(start..<stop)
      position = stop
    }
    return ranges
  }

  /// lseek(2) with SEEK_DATA or SEEK_HOLE; nil where there is none before the end of the file.
  func seek(
    _ whence: some BinaryInteger, from position: UInt64
  ) throws(HostError) -> UInt64? {
    do throws(HostError) {
      return UInt64(
        try systemCall("lseek", path) { lseek(descriptor, Int(position), Int32(whence)) })
    } catch .system(_, _, .noSuchAddressOrDevice) {
      return nil
    }
  }
}

extension FileIdentity {
  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }
}

/// Throws `.notRegularFile` unless `status` is that of a regular file.
func requireRegular(_ status: stat, _ path: String) throws(HostError) {
  let kind =
    switch status.st_mode & S_IFMT {
    case S_IFREG: ""
    case S_IFDIR: "directory"
    case S_IFIFO: "pipe"
    case S_IFSOCK: "socket"
    case S_IFCHR: "character device"
    case S_IFBLK: "block device"
    default: "special file"
    }
  if !kind.isEmpty { throw .notRegularFile(path: path, kind: kind) }
}
