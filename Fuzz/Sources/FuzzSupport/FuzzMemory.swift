public import Varve

/// The fuzzer's bytes as memory at `base`; nothing else is mapped.
public struct FuzzMemory: Memory {
  public let base: VirtualAddress
  public let bytes: ByteView

  public init(_ bytes: ByteView, at base: VirtualAddress) {
    self.base = base
    self.bytes = bytes
  }

  public func read(_ address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    guard let offset = address.offset(from: base), offset < UInt64(bytes.count) else {
      throw MemoryFault(address: address, reason: .unmapped)
    }
    let there = bytes.clampedSubview(at: offset, count: count)
    guard UInt64(there.count) == count else {
      throw MemoryFault(address: address &+ UInt64(there.count), reason: .unmapped)
    }
    return there
  }

  public func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 {
    try load(UInt64.self, at: address)
  }
}

/// A copy of what libFuzzer hands over: it lies right before memory that must not be touched.
@unsafe
public func copied(_ data: UnsafePointer<UInt8>?, _ size: Int) -> ByteView {
  // Safe: libFuzzer's buffer holds `size` bytes while the call lasts.
  unsafe ByteView(copying: UnsafeBufferPointer(start: data, count: size))
}

/// Does what may fail; errors are answers, traps and hangs are what is looked for.
public func attempt<Failure: Error>(_ body: () throws(Failure) -> Void) {
  do throws(Failure) { try body() } catch {}
}
