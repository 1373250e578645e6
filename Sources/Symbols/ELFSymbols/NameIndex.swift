import Bytes
import Synchronization

/// Finds names among many without comparing each: made when the first name is asked for.
final class NameIndex: Sendable {
  private let table: Mutex<Table?> = Mutex(nil)

  /// Positions whose names' hashes share their low bits are linked, in ascending order.
  private struct Table {
    let hashes: [UInt32]
    /// The first position for each value of the low bits; `none` for the end of a list.
    private var heads: [UInt32]
    private var next: [UInt32]
    private let mask: UInt32

    private static let none = UInt32.max

    init(_ hashes: [UInt32]) {
      self.hashes = hashes
      var size = 16
      while size < hashes.count { size *= 2 }
      mask = UInt32(truncatingIfNeeded: size - 1)
      heads = Array(repeating: Self.none, count: size)
      next = Array(repeating: Self.none, count: hashes.count)
      for position in hashes.indices.reversed() {
        let head = Int(hashes[position] & mask)
        next[position] = heads[head]
        heads[head] = UInt32(truncatingIfNeeded: position)
      }
    }

    func positions(of hash: UInt32) -> [Int] {
      var found: [Int] = []
      var position = heads[Int(hash & mask)]
      while position != Self.none {
        if hashes[Int(position)] == hash { found.append(Int(position)) }
        position = next[Int(position)]
      }
      return found
    }
  }

  /// The positions whose names may be `name`, in ascending order. `stored` gives the bytes of the
  /// name at each of the `count` positions, which may run on beyond its end.
  func candidates(
    for name: [UInt8], count: Int, stored: (Int) -> ByteView
  ) -> [Int] {
    candidates(hash: Self.hash(name)) { (0..<count).map { Self.hash(stored($0)) } }
  }

  /// The positions whose hash is `wanted`, in ascending order; `hashes` gives those of all positions,
  /// made in the same way.
  func candidates(hash wanted: UInt32, hashes: () -> [UInt32]) -> [Int] {
    table.withLock { table in
      if let table { return table.positions(of: wanted) }
      let made = Table(hashes())
      table = made
      return made.positions(of: wanted)
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
