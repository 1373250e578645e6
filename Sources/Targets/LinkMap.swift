public import Bytes

/// One object that the dynamic linker loaded, as it told debuggers.
///
///     struct r_debug  (r_debug(3); glibc elf/link.h)    struct link_map
///      0  int r_version                                  0  l_addr: load bias
///      8  struct link_map *r_map                         8  char *l_name
///     16  r_brk   24  r_state   32  r_ldbase            16  l_ld: the dynamic section
///                                                       24  l_next   32  l_prev
public struct LinkMapEntry: Hashable, Sendable {
  /// How far the object lies from its link-time addresses.
  public let bias: UInt64
  /// As the linker opened it; empty for the program itself and for the vdso.
  public let path: String
  /// Where the object's dynamic section is in memory.
  public let dynamicSection: VirtualAddress

  /// More objects than any real process has: beyond it the list is taken for damaged.
  static let countLimit = 16384
  /// Linux's `PATH_MAX`.
  static let pathLimit: UInt64 = 4096

  /// Follows the list from the `r_debug` at `address`. `end` tells why it ended where it ended if
  /// that wasn't its proper end.
  static func list(
    fromDebugStructure address: VirtualAddress, in memory: some Memory
  ) -> (entries: [LinkMapEntry], end: String?) {
    var entries: [LinkMapEntry] = []
    var seen: Set<UInt64> = []
    do throws(MemoryFault) {
      var next = try memory.word(at: address &+ 8)
      while next != 0 {
        guard seen.insert(next).inserted else {
          return (entries, "the link map leads back to \(VirtualAddress(next))")
        }
        guard entries.count < countLimit else {
          return (entries, "the link map has more than \(countLimit) entries")
        }
        let node = VirtualAddress(next)
        let name = VirtualAddress(try memory.word(at: node &+ 8))
        let path = name.rawValue == 0 ? [] : try memory.cString(at: name, limit: pathLimit).bytes
        entries.append(
          LinkMapEntry(
            bias: try memory.word(at: node), path: String(decoding: path, as: UTF8.self),
            dynamicSection: VirtualAddress(try memory.word(at: node &+ 16))))
        next = try memory.word(at: node &+ 24)
      }
    } catch {
      return (entries, "the link map can't be followed: \(error)")
    }
    return (entries, nil)
  }
}
