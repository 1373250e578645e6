import Bytes
import Synchronization

/// Finds names among many without comparing each: made when the first name is asked for.
final class NameIndex: Sendable {
  /// Hashes with the positions they belong to, by hash.
  private let entries: Mutex<[Entry]?> = Mutex(nil)

  private struct Entry {
    let hash: UInt32
    let position: UInt32
  }

  /// The positions whose names may be `name`, in ascending order. `stored` gives the bytes of the
  /// name at each of the `count` positions, which may run on beyond its end.
  func candidates(
    for name: [UInt8], count: Int, stored: (Int) -> ByteView
  ) -> [Int] {
    let wanted = Self.hash(name)
    return entries.withLock { entries in
      let sorted: [Entry]
      if let known = entries {
        sorted = known
      } else {
        sorted = (0..<count).map {
          Entry(hash: Self.hash(stored($0)), position: UInt32($0))
        }.sorted { ($0.hash, $0.position) < ($1.hash, $1.position) }
        entries = sorted
      }
      var low = 0
      var high = sorted.count
      while low < high {
        let middle = (low + high) / 2
        if sorted[middle].hash < wanted { low = middle + 1 } else { high = middle }
      }
      return sorted[low...].prefix { $0.hash == wanted }.map { Int($0.position) }
    }
  }

  // FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo), 32 bits.
  private static let offsetBasis: UInt32 = 0x811c_9dc5
  private static let prime: UInt32 = 0x0100_0193

  private static func hash(_ name: [UInt8]) -> UInt32 {
    var hash = offsetBasis
    for byte in name { hash = (hash ^ UInt32(byte)) &* prime }
    return hash
  }

  /// The hash of a stored name: up to its NUL, or to the `@` before its version.
  private static func hash(_ stored: ByteView) -> UInt32 {
    var hash = offsetBasis
    let bytes = stored.bytes
    for index in bytes.byteOffsets {
      let byte = bytes[index]
      if byte == 0 || byte == UInt8(ascii: "@") { break }
      hash = (hash ^ UInt32(byte)) &* prime
    }
    return hash
  }
}
