import Bytes

/// The values in a GLib hash table whose values are pointers.
///
///      struct _GHashTable  (glib/ghash.c, since 2.60 on 64-bit machines)
///       0  gsize size      8  gint mod   12  guint mask   16  guint nnodes   20  guint noccupied
///      24  bit 0: keys are words, bit 1: values are words; else they are 4 bytes each
///      32  keys           40  hashes, 4 bytes each: 0 unused, 1 deleted      48  values
struct HashTable {
  let values: [UInt64]

  /// More slots than any object has properties.
  private static let limit: UInt64 = 1 << 16

  /// No values if what lies at `address` has another layout.
  init(at address: VirtualAddress, in memory: some Memory) throws(MemoryFault) {
    let size = try memory.word(at: address)
    let mask = try memory.word(at: address &+ 8) >> 32
    // A table in which there never was a pointer has none now.
    let hasWords = try memory.word(at: address &+ 24) & 2 != 0
    guard size > 0, size <= Self.limit, size & (size - 1) == 0, mask == size - 1, hasWords else {
      values = []
      return
    }
    let hashes = VirtualAddress(try memory.word(at: address &+ 40))
    let array = VirtualAddress(try memory.word(at: address &+ 48))
    var found: [UInt64] = []
    for index in 0..<size {
      guard try memory.load(UInt32.self, at: hashes &+ index * 4) > 1 else { continue }
      let value = try memory.word(at: array &+ index * 8)
      if value != 0 { found.append(value) }
    }
    values = found
  }
}
