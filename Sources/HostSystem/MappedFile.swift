public import Bytes
internal import Glibc
internal import SystemPackage

/// A regular file, opened read-only and mapped whole.
///
/// Reading beyond the end of a file that someone cuts short meanwhile raises SIGBUS, as for every
/// program that maps files.
public struct MappedFile: Sendable {
  /// How part of a mapping is going to be used: madvise(2).
  public enum Advice: Hashable, Sendable {
    /// From front to back, once.
    case sequential
    /// Soon: the kernel may read ahead.
    case willNeed
    /// No longer: its pages stop counting towards this process's resident memory. The bytes remain
    /// readable.
    case dontNeed
  }

  /// The file itself, for reads and copies past the mapping.
  public let file: OpenFile
  /// All of the file's bytes.
  public let bytes: ByteView

  /// The name it was opened by.
  public var path: String { file.path }
  /// How many bytes it had when it was mapped.
  public var size: UInt64 { UInt64(bytes.count) }
  public var identity: FileIdentity { file.identity }

  /// Opens and maps `path`. A read-only file in a read-only directory is enough. Throws
  /// `.notRegularFile` for directories, pipes and devices.
  public static func open(_ path: String) throws(HostError) -> MappedFile {
    try MappedFile(mapping: OpenFile.open(path))
  }

  /// Maps `file` as it is now.
  public init(mapping file: OpenFile) throws(HostError) {
    self.file = file
    let size = try file.size()
    guard let length = Int(exactly: size) else {
      throw .tooLarge(path: file.path, size: Int64(clamping: size))
    }
    if length == 0 {
      // mmap(2) refuses an empty range.
      bytes = .empty
      return
    }
    // Safe: the address is the kernel's to choose; the result is checked before it is used.
    let address = unsafe mmap(nil, length, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw .system(call: "mmap", path: file.path, code: Errno(rawValue: errno))
    }
    // Safe: the mapping is read-only and stays until the storage that adopts it unmaps it.
    bytes = ByteView(
      unsafe ByteStorage(adopting: UnsafeRawBufferPointer(start: address, count: length)) {
        unsafe _ = munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
      })
  }

  /// The parts of the file that hold data, in order; the rest are holes, which read as zeros.
  public func dataRanges() throws(HostError) -> [Range<UInt64>] {
    try file.dataRanges(in: 0..<size)
  }

  /// Tells the kernel how the bytes at `range` (of the file) will be used. Only whole pages inside
  /// `range` are affected; what lies beyond the file is ignored.
  public func advise(_ range: Range<UInt64>, _ advice: Advice) throws(HostError) {
    let pageSize = UInt64(Host.pageSize)
    // Outwards for what will be read; inwards for what must not be thrown out with its neighbours.
    let grows = advice != .dontNeed
    let bounded = range.clamped(to: 0..<size)
    let first = (grows ? bounded.lowerBound : bounded.lowerBound + pageSize - 1) / pageSize
    let last =
      bounded.upperBound == size || grows
      ? (bounded.upperBound + pageSize - 1) / pageSize : bounded.upperBound / pageSize
    guard first < last else { return }
    let request =
      switch advice {
      case .sequential: MADV_SEQUENTIAL
      case .willNeed: MADV_WILLNEED
      case .dontNeed: MADV_DONTNEED
      }
    // Safe: the range lies within the mapping's pages, and none of the advices given changes the
    // contents of a private mapping that was never written.
    _ = try unsafe bytes.withUnsafeBytes { buffer throws(HostError) in
      let start = unsafe UnsafeMutableRawPointer(mutating: buffer.baseAddress)?
        .advanced(by: Int(first * pageSize))
      return try systemCall("madvise", path) {
        unsafe madvise(start, Int((last - first) * pageSize), request)
      }
    }
  }
}
