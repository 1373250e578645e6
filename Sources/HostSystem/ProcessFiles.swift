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
    let path = "\(directory)/task"
    // Safe: the string's copy outlives the call, and the stream is closed below.
    guard let stream = unsafe opendir(path) else {
      throw .last(call: "opendir", path: path)
    }
    defer { unsafe _ = closedir(stream) }
    var ids: [Int32] = []
    // Safe: the entry is the stream's own until the next call, and its name ends in a NUL.
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let id = Int32(name) { ids.append(id) }
    }
    return ids.sorted()
  }
}
