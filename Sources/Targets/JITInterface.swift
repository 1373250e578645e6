import Bytes

/// What a process registered with debuggers for the code that it made while it ran.
///
///     struct jit_descriptor (__jit_debug_descriptor)    struct jit_code_entry
///      0  u32 version (1)                                0  next_entry   8  prev_entry
///      4  u32 action_flag                               16  symfile_addr, an ELF image in memory
///      8  relevant_entry   16  first_entry              24  u64 symfile_size
///
/// Source: GDB manual, "JIT Compilation Interface".
struct JITInterface {
  /// What the program's variable is called.
  static let symbolName = "__jit_debug_descriptor"

  /// Where a registered image is, and how many bytes it has.
  struct Entry: Hashable {
    let address: VirtualAddress
    let size: UInt64
  }

  let entries: [Entry]
  /// Why the list ended where it ended, if that wasn't its proper end.
  let damage: String?

  /// More pieces of code than any program registers one by one.
  static let countLimit = 65_536

  init(descriptor: VirtualAddress, in memory: some Memory) {
    var entries: [Entry] = []
    var damage: String?
    var seen: Set<UInt64> = []
    do throws(MemoryFault) {
      let version = try memory.load(UInt32.self, at: descriptor)
      var next = version == 1 ? try memory.word(at: descriptor &+ 16) : 0
      // Before anything is registered, nobody need have filled in the version.
      if version > 1 { damage = "the list of JIT images has the unknown version \(version)" }
      while next != 0, damage == nil {
        let node = VirtualAddress(next)
        if !seen.insert(next).inserted {
          damage = "the list of JIT images leads back to \(node)"
        } else if entries.count == Self.countLimit {
          damage = "the list of JIT images has more than \(Self.countLimit) entries"
        } else {
          entries.append(
            Entry(
              address: VirtualAddress(try memory.word(at: node &+ 16)),
              size: try memory.word(at: node &+ 24)))
          next = try memory.word(at: node)
        }
      }
    } catch {
      damage = "the list of JIT images can't be followed: \(error)"
    }
    self.entries = entries
    self.damage = damage
  }
}
