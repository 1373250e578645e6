public import Bytes

/// A range of a dumped address space: a PT_LOAD header of a core, with what the file really holds
/// of it.
public struct CoreSegment: Hashable, Sendable {
  /// Its place among all program headers.
  public let index: Int
  /// The first address.
  public let address: VirtualAddress
  /// How many bytes were mapped. Cut so that the range ends within the address space.
  public let memorySize: UInt64
  /// Where the contents begin in the file.
  public let fileOffset: FileOffset
  /// How many bytes of contents the header promises; at most `memorySize`. What is mapped beyond
  /// them was left out on purpose.
  public let fileSize: UInt64
  /// How many bytes of contents lie in the file; fewer than `fileSize` in a file that was cut.
  public let availableSize: UInt64
  public let permissions: ELFPermissions
  /// In a dump of a machine, the physical address of the first byte; 0 in a process's core.
  public let physicalAddress: PhysicalAddress

  /// Whether the file ends before the segment does.
  public var isTruncated: Bool { availableSize < fileSize }

  /// The last address; equal to `address` for an empty segment.
  public var lastAddress: VirtualAddress { address &+ (memorySize == 0 ? 0 : memorySize - 1) }

  @inlinable
  public func contains(_ address: VirtualAddress) -> Bool {
    guard let distance = address.offset(from: self.address) else { return false }
    return distance < memorySize
  }
}
