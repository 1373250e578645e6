public import Bytes
internal import CLinux
internal import Glibc
internal import SystemPackage

/// A file that appears under its name only once it is complete.
///
/// It is readable by its owner only, since dumps hold secrets. Until `commit()` it has no name at
/// all where the file system allows that (so nothing is left behind even by SIGKILL), else a hidden
/// one beside the target, which goes with the object.
public final class AtomicOutputFile {
  /// The name that it will have.
  public let path: String

  let output: OutputDescriptor
  /// The hidden name; nil for a file without any.
  private var temporaryName: String?
  private let replaces: Bool
  private var end: UInt64 = 0
  private var isCommitted = false

  /// Begins the file `path`. An existing file is refused with `.outputExists` unless `replacing`;
  /// one of `inputs`, under whatever name, always with `.outputIsInput`; a directory or device
  /// with `.notRegularFile`.
  public convenience init(
    _ path: String, inputs: [FileIdentity] = [], replacing: Bool = false
  ) throws(HostError) {
    try self.init(path, inputs, replacing, triesUnnamed: true)
  }

  /// `triesUnnamed` is false only in tests of what happens where O_TMPFILE isn't supported.
  init(
    _ path: String, _ inputs: [FileIdentity], _ replacing: Bool, triesUnnamed: Bool
  ) throws(HostError) {
    self.path = path
    replaces = replacing
    try Self.checkTarget(path, inputs, replacing)
    let opened = try triesUnnamed ? Self.open(path) : Self.openNamed(path)
    output = OutputDescriptor(descriptor: opened.descriptor, path: path)
    temporaryName = opened.name
  }

  deinit {
    if let temporaryName {
      // Nothing can be done if it fails; the file was never complete anyway.
      // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
      _ = unsafe unlink(temporaryName)
    }
    close(output.descriptor)
  }

  // MARK: Writing

  /// Appends `bytes` after the furthest byte written so far.
  public func write(_ bytes: RawSpan) throws(HostError) { try write(bytes, at: end) }

  /// Writes `bytes` at `offset`. What is skipped over is a hole.
  public func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    try output.write(bytes, at: offset)
    end = max(end, offset + UInt64(bytes.byteCount))
  }

  /// Writes `bytes` at `offset`.
  public func write(_ bytes: ByteView, at offset: UInt64) throws(HostError) {
    try write(bytes.bytes, at: offset)
  }

  /// Writes `bytes` at `offset`, where nothing was written before, but leaves whole blocks of zeros
  /// as holes.
  public func writeSparsely(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    try output.writeSparsely(bytes, at: offset)
    let newEnd = offset + UInt64(bytes.byteCount)
    if newEnd > end { try truncate(to: newEnd) }
  }

  /// Makes the file `size` bytes long: cuts it or adds a hole.
  public func truncate(to size: UInt64) throws(HostError) {
    try output.truncate(to: size)
    end = size
  }

  /// Copies `range` of `source` to `offset`, where nothing was written before. Blocks are shared if
  /// the file system can (both offsets must then be multiples of 4096); holes stay holes.
  public func copy(
    _ range: Range<UInt64>, of source: OpenFile, to offset: UInt64
  ) throws(HostError) {
    try RangeCopy(source: source, target: output).copy(range, to: offset)
    let newEnd = offset + (range.upperBound - range.lowerBound)
    if newEnd > end { try truncate(to: newEnd) }
  }

  /// Gives the file its name. Throws `.outputExists` if a file of that name came into being
  /// meanwhile and replacing wasn't allowed. Nothing may be written afterwards.
  ///
  /// - Parameter synchronizing: whether to wait until the file is on disk. Without that it survives
  ///   the end of this process, but a power failure in the next seconds may leave holes in it.
  public func commit(synchronizing: Bool = true) throws(HostError) {
    guard !isCommitted else { return }
    if synchronizing { _ = try systemCall("fsync", path) { fsync(output.descriptor) } }
    if temporaryName == nil, !replaces {
      try Self.link(output.descriptor, to: path, for: path)
    } else {
      if temporaryName == nil {
        // Only renaming can replace, so the file needs a name first.
        let name = Self.hiddenName(for: path)
        try Self.link(output.descriptor, to: name, for: path)
        temporaryName = name
      }
      try rename()
    }
    temporaryName = nil
    isCommitted = true
  }

  private func rename() throws(HostError) {
    guard let temporaryName else { return }
    let flags = replaces ? 0 : UInt32(VARVE_RENAME_NOREPLACE)
    do throws(HostError) {
      // Safe: Swift passes both strings as NUL-terminated copies that outlive the call.
      _ = try systemCall("renameat2", path) {
        unsafe renameat2(AT_FDCWD, temporaryName, AT_FDCWD, path, flags)
      }
    } catch .system(_, _, .fileExists) {
      throw .outputExists(path: path)
    }
  }
}

extension AtomicOutputFile {
  // MARK: Opening

  private static func checkTarget(
    _ path: String, _ inputs: [FileIdentity], _ replacing: Bool
  ) throws(HostError) {
    var status = stat()
    do throws(HostError) {
      // Safe: the string's copy and `status` outlive the call.
      _ = try systemCall("stat", path) { unsafe stat(path, &status) }
    } catch .system(_, _, .noSuchFileOrDirectory) {
      return
    }
    if inputs.contains(FileIdentity(status)) { throw .outputIsInput(path: path) }
    try requireRegular(status, path)
    if !replacing { throw .outputExists(path: path) }
  }

  /// A file in the target's directory: without a name, or with a hidden one if the file system has
  /// no such thing.
  private static func open(
    _ path: String
  ) throws(HostError) -> (descriptor: Int32, name: String?) {
    do throws(HostError) {
      return (try UnnamedFile.open(in: directory(of: path), for: path), nil)
    } catch .system(_, _, .notSupportedOnSocket), .system(_, _, .isDirectory),
      .system(_, _, .noSuchFileOrDirectory), .system(_, _, .invalidArgument)
    {
      // Whatever else is wrong with the directory shows in the next attempt.
      return try openNamed(path)
    }
  }

  private static func openNamed(
    _ path: String
  ) throws(HostError) -> (descriptor: Int32, name: String?) {
    let name = hiddenName(for: path)
    let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY
    // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
    return (try systemCall("open", path) { unsafe Glibc.open(name, flags, 0o600) }, name)
  }

  /// Gives the open file `descriptor` the name `name`, which must be free.
  private static func link(
    _ descriptor: Int32, to name: String, for path: String
  ) throws(HostError) {
    // The documented way that needs no privilege: open(2), O_TMPFILE.
    let itself = "/proc/self/fd/\(descriptor)"
    do throws(HostError) {
      // Safe: Swift passes both strings as NUL-terminated copies that outlive the call.
      _ = try systemCall("linkat", path) {
        unsafe linkat(AT_FDCWD, itself, AT_FDCWD, name, AT_SYMLINK_FOLLOW)
      }
    } catch .system(_, _, .fileExists) {
      throw .outputExists(path: path)
    }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func hiddenName(for path: String) -> String {
    let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    // Short enough for the 255 bytes that a name may have.
    return
      "\(directory(of: path))/.\(String(decoding: name.utf8.prefix(200), as: UTF8.self)).\(random)"
  }
}
