import Bytes

/// Where each entry of a type section begins, and which ones have a given name.
///
/// Entries have different sizes, so their places are found by walking over all of them once. For the
/// names there are chains of entries with like hashes: adding one costs the same however many have
/// its name, so that no choice of names can make building slow.
struct BTFIndex {
  /// Where each entry begins, from the start of the type section.
  let offsets: [UInt32]
  /// What ends the section early: from there on there are no entries.
  let damage: SymbolError?
  /// The first entry of each chain, as a number from 1; 0 for none.
  private let heads: [UInt32]
  /// The next entry of an entry's chain, likewise.
  private let next: [UInt32]

  init(_ types: ByteView, _ strings: BTFStrings) {
    var offsets: [UInt32] = []
    // About two words follow each entry in real kernels.
    offsets.reserveCapacity(types.count / 20)
    var names: [UInt32] = []
    names.reserveCapacity(types.count / 20)
    damage = Self.walk(types) { entry, kind in
      offsets.append(UInt32(truncatingIfNeeded: entry.offset))
      names.append(kind.isNamed ? entry.nameOffset : 0)
    }
    self.offsets = offsets
    (heads, next) = Self.chains(names, strings)
  }

  /// Calls `body` with each entry. Gives what ends the section early, if anything.
  private static func walk(
    _ types: ByteView, _ body: (BTFEntry, BTFKind) -> Void
  ) -> SymbolError? {
    var offset: UInt64 = 0
    let end = UInt64(types.count)
    guard end <= UInt64(UInt32.max) else {
      return .malformed(what: "BTF types", offset: 0, reason: "more than 4 GiB")
    }
    while offset < end {
      do throws(ByteError) {
        let entry = try BTFEntry(types, at: offset)
        guard let kind = BTFKind(rawValue: entry.kindNumber) else {
          return .malformed(
            what: "BTF type", offset: offset, reason: "unknown kind \(entry.kindNumber)")
        }
        // At most 12 + 12 + 2²⁴ · 12: no overflow.
        let size =
          BTFEntry.size + kind.fixedSize
          + (kind.elementSize == 0 ? 0 : kind.elementSize * UInt64(entry.count))
        guard size <= end - offset else {
          return .malformed(
            what: "BTF type", offset: offset, reason: "\(size) bytes, but the section ends before")
        }
        body(entry, kind)
        offset += size
      } catch {
        return .malformed(what: "BTF type", offset: offset, reason: "\(error)")
      }
    }
    return nil
  }

  private static func chains(
    _ names: [UInt32], _ strings: BTFStrings
  ) -> (heads: [UInt32], next: [UInt32]) {
    var bits = 4
    while bits < 24, 1 << bits < names.count { bits += 1 }
    var heads = [UInt32](repeating: 0, count: 1 << bits)
    var next = [UInt32](repeating: 0, count: names.count)
    let mask = UInt32(heads.count - 1)
    // Backwards, so that chains ascend.
    for index in names.indices.reversed() {
      let name = names[index]
      guard name != 0, let hash = strings.hash(at: name) else { continue }
      let slot = Int(hash & mask)
      next[index] = heads[slot]
      heads[slot] = UInt32(index + 1)
    }
    return (heads, next)
  }

  /// The places in `offsets` of all entries whose names have this hash, and some others.
  func candidates(hash: UInt32) -> Candidates {
    Candidates(chain: next, current: heads[Int(hash & UInt32(heads.count - 1))])
  }

  struct Candidates: Sequence, IteratorProtocol {
    let chain: [UInt32]
    var current: UInt32

    mutating func next() -> Int? {
      guard current != 0 else { return nil }
      let index = Int(current - 1)
      current = chain[index]
      return index
    }
  }
}

extension BTFEntry {
  init(_ types: ByteView, at offset: UInt64) throws(ByteError) {
    let first = try types.load(UInt64.self, at: offset)
    self.init(
      offset: offset, nameOffset: UInt32(truncatingIfNeeded: first),
      info: UInt32(truncatingIfNeeded: first >> 32),
      sizeOrType: try types.load(UInt32.self, at: offset + 8))
  }
}
