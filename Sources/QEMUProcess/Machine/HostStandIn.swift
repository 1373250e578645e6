public import Bytes

/// Bytes that can be seen where a dump lacks a QEMU process's own: the contents of a memory backend
/// file that the user has, for the mapping of it that the core left out.
public struct HostStandIn: Sendable {
  /// Where the bytes belong in the QEMU process.
  public let start: VirtualAddress
  public let bytes: ByteView
  /// Where they come from, as the user calls it.
  public let source: String

  public init(start: VirtualAddress, bytes: ByteView, source: String) {
    self.start = start
    self.bytes = bytes
    self.source = source
  }

  /// The part of the memory backend file `bytes` that `absent` is a mapping of.
  public init(for absent: AbsentBacking, file bytes: ByteView, source: String) {
    self.init(
      start: absent.start,
      bytes: bytes.clampedSubview(at: absent.fileOffset.rawValue, count: absent.count),
      source: source)
  }
}

/// A stretch of guest memory that the dump lacks, but that is a file's: who has the file can put it
/// there (`HostStandIn`).
public struct AbsentBacking: Hashable, Sendable {
  /// The RAM block's name.
  public let block: String
  /// Where it lies in the QEMU process.
  public let start: VirtualAddress
  /// In bytes.
  public let count: UInt64
  /// The file's path as the process saw it: `/dev/shm/guest`, `/memfd:ram0 (deleted)`.
  public let path: String
  /// Where in the file the stretch begins.
  public let fileOffset: FileOffset

  public init(
    block: String, start: VirtualAddress, count: UInt64, path: String, fileOffset: FileOffset
  ) {
    self.block = block
    self.start = start
    self.count = count
    self.path = path
    self.fileOffset = fileOffset
  }
}
