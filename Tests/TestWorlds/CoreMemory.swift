public import Bytes
public import ObjectFiles

/// The memory that a core holds.
public struct CoreMemory: Memory {
  let core: CoreFile

  public init(core: CoreFile) { self.core = core }

  public func read(_ address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    for segment in core.segments {
      guard let distance = address.offset(from: segment.address), distance < segment.availableSize,
        count <= segment.availableSize - distance
      else { continue }
      do throws(ByteError) {
        return try core.image.bytes.subview(
          at: segment.fileOffset.rawValue + distance, count: count)
      } catch {
        throw MemoryFault(address: address, reason: .truncated)
      }
    }
    throw MemoryFault(address: address, reason: .unmapped)
  }

  public func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 {
    try load(UInt64.self, at: address)
  }
}
