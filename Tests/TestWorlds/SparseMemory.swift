public import Bytes

/// Memory made of a few blocks; everything else faults.
public struct SparseMemory: Memory {
  private var blocks: [(address: UInt64, bytes: [UInt8])] = []
  /// Why what isn't in a block can't be read.
  public var reason = MemoryFault.Reason.unmapped

  public init() {}

  public mutating func write(_ bytes: [UInt8], at address: UInt64) {
    blocks.append((address, bytes))
  }

  public mutating func write(words: [UInt64], at address: UInt64) {
    write(words.flatMap { little($0) }, at: address)
  }

  public func read(_ address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    // Later blocks hide earlier ones.
    for block in blocks.reversed() {
      guard let offset = address.offset(from: VirtualAddress(block.address)),
        offset <= UInt64(block.bytes.count), count <= UInt64(block.bytes.count) - offset
      else { continue }
      return ByteView(copying: block.bytes[Int(offset)..<Int(offset + count)])
    }
    throw MemoryFault(address: address, reason: reason)
  }

  public func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 {
    try load(UInt64.self, at: address)
  }
}
