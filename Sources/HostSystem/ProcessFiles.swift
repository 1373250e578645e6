public import Bytes
internal import Glibc

/// What `/proc` shows of a process that runs.
public struct ProcessFiles: Sendable {
  public let processID: Int32

  private var directory: String { "/proc/\(processID)" }

  public init(_ processID: Int32) { self.processID = processID }

  /// Opens the file `name`: `mem`, `maps`, `map_files/1000-2000`. Throws `.system`: no such process, or
  /// no permission to look into it.
  public func open(_ name: String) throws(HostError) -> OpenFile {
    try OpenFile.open("\(directory)/\(name)")
  }

  /// All that the file `name` holds now.
  public func contents(_ name: String) throws(HostError) -> ByteView {
    try open(name).contents()
  }

  /// The ids of the threads in ascending order.
  public func threadIDs() throws(HostError) -> [Int32] {
    try names(in: "task").compactMap { Int32($0) }.sorted()
  }

  /// The inodes of the sockets that the process has open.
  public func openSockets() throws(HostError) -> [UInt64] {
    try names(in: "fd").compactMap { name in
      // `socket:[INODE]` (proc_pid_fd(5)).
      let target = linkTarget("fd/\(name)")
      guard target.hasPrefix("socket:["), target.hasSuffix("]") else { return nil }
      return UInt64(target.dropFirst(8).dropLast())
    }
  }

  /// The inodes of the Unix sockets in the process's network that are bound to `name`.
  public func sockets(named name: String) throws(HostError) -> [UInt64] {
    guard !name.isEmpty else { return [] }
    return String(decoding: try contents("net/unix")).split(separator: "\n").compactMap { line in
      // Num RefCount Protocol Flags Type St Inode Path (proc_pid_net(5), /proc/net/unix)
      let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
      return fields.count == 8 && fields[7] == name ? UInt64(fields[6]) : nil
    }
  }

  /// Where the link `name` leads; empty if it has gone.
  private func linkTarget(_ name: String) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    // Safe: the strings' copy and the buffer outlive the call, which is told the buffer's size.
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe readlink(
        "\(directory)/\(name)", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
    }
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  /// The names in a directory, but for `.` and `..`.
  private func names(in name: String) throws(HostError) -> [String] {
    let path = "\(directory)/\(name)"
    // Safe: the string's copy outlives the call, and the stream is closed below.
    guard let stream = unsafe opendir(path) else {
      throw .last(call: "opendir", path: path)
    }
    defer { unsafe _ = closedir(stream) }
    var names: [String] = []
    // Safe: the entry is the stream's own until the next call, and its name ends in a NUL.
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
