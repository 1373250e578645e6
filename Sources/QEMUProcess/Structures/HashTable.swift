import Bytes

/// The values in a GLib hash table whose values are pointers.
///
///      struct _GHashTable  (glib/ghash.c, since 2.60 on 64-bit machines)
///       0  gsize size      8  gint mod   12  guint mask   16  guint nnodes   20  guint noccupied
///      24  bits           32  keys      40  hashes       48  values
struct HashTable {
  let values: [UInt64]

  /// More slots than any object has properties.
  private static let limit: UInt64 = 1 << 16

  /// No values if what lies at `address` has another layout.
  init(at address: VirtualAddress, in memory: some Memory) throws(MemoryFault) {
    let size = try memory.word(at: address)
    let mask = try memory.word(at: address &+ 8) >> 32
    guard size > 0, size <= Self.limit, size & (size - 1) == 0, mask == size - 1 else {
      values = []
      return
    }
    let array = VirtualAddress(try memory.word(at: address &+ 48))
    var found: [UInt64] = []
    for index in 0..<size {
      let value = try memory.word(at: array &+ index * 8)
      if value != 0 { found.append(value) }
    }
    values = found
  }
}
