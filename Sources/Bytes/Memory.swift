/// Why memory at an address couldn't be read.
public struct MemoryFault: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    /// Nothing is mapped there.
    case unmapped
    /// The dump ends before this page's bytes: it was cut short.
    case truncated
    /// The page was mapped, but whoever wrote the dump left it out (a coredump filter,
    /// `MADV_DONTDUMP`), and no file could stand in for it.
    case excluded
    /// The page belongs to the named file, which is missing or isn't the one that was mapped.
    case fileAbsent(path: String)
  }

  /// The first byte that couldn't be read.
  public let address: VirtualAddress
  public let reason: Reason

  public init(address: VirtualAddress, reason: Reason) {
    self.address = address
    self.reason = reason
  }

  public var description: String {
    switch reason {
    case .unmapped: "nothing is mapped at \(address)"
    case .truncated: "the dump ends before the contents of \(address)"
    case .excluded: "the page at \(address) was left out of the dump"
    case .fileAbsent(let path):
      "\(address) belongs to \(path), which was not dumped and isn't at hand"
    }
  }
}

/// Memory by virtual address. Little-endian words; what can't be read throws, and is never zero
/// instead.
public protocol Memory: Sendable {
  /// The `count` bytes at `address`, copied only if they don't lie together. Throws at the first
  /// byte that's missing.
  func read(_ address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView

  /// The 64-bit little-endian word at `address`, which needn't be aligned.
  func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64
}

extension Memory {
  /// The little-endian integer at `address`.
  @inlinable
  public func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type = Number.self, at address: VirtualAddress
  ) throws(MemoryFault) -> Number {
    let bytes = try read(address, count: UInt64(MemoryLayout<Number>.size))
    do throws(ByteError) {
      return try bytes.load(Number.self, at: 0)
    } catch {
      // A `read` that gives fewer bytes than it promised breaks the protocol's contract.
      throw MemoryFault(address: address, reason: .unmapped)
    }
  }

  /// The NUL-terminated string at `address`, cut at `limit` bytes; `isComplete` tells whether its
  /// NUL was reached.
  public func cString(
    at address: VirtualAddress, limit: UInt64
  ) throws(MemoryFault) -> (bytes: [UInt8], isComplete: Bool) {
    var text: [UInt8] = []
    while UInt64(text.count) < limit {
      let next = address &+ UInt64(text.count)
      let chunk: ByteView
      do throws(MemoryFault) {
        chunk = try readAvailable(next, count: min(limit - UInt64(text.count), 256))
      } catch {
        if text.isEmpty { throw error }
        return (text, false)
      }
      let bytes = chunk.copy()
      if let end = bytes.firstIndex(of: 0) {
        return (text + bytes[..<end], true)
      }
      text += bytes
    }
    return (text, false)
  }

  /// As many of the `count` bytes at `address` as lie before the first missing one; at least one.
  public func readAvailable(
    _ address: VirtualAddress, count: UInt64
  ) throws(MemoryFault) -> ByteView {
    do throws(MemoryFault) {
      return try read(address, count: count)
    } catch {
      guard let there = error.address.offset(from: address), there > 0, there < count else {
        throw error
      }
      return try read(address, count: there)
    }
  }
}
