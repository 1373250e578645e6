public import Bytes
import Synchronization

/// The types of a Linux kernel, or of one of its modules, by BTF (Documentation/bpf/btf.rst,
/// include/uapi/linux/btf.h): what the kernel itself carries in its memory.
///
/// Types are numbered from 1 in the order in which they are stored; 0 is `void`. A module's BTF is
/// split: its numbers and its strings continue those of the kernel's, and it refers to both.
///
/// The bytes may be hostile: each is checked when it is used, what is damaged costs only itself, and
/// circles of types end in an error. May be used by several threads at once.
public final class BTFTypes: TypeGraph, TypeLibrary {
  /// The kernel's types, if these are a module's.
  public let base: BTFTypes?
  let sections: BTFSections
  let strings: BTFStrings
  let index: BTFIndex
  let cache = Mutex(BTFCache())

  /// Reads the header and finds where each type is.
  ///
  /// - Parameter base: the kernel's types, if `bytes` are a module's.
  /// - Throws: `.malformed` if the header is damaged or big-endian, or if the kernel's types are so
  ///   damaged that a module's numbers mean nothing.
  public init(_ bytes: ByteView, base: BTFTypes? = nil) throws(SymbolError) {
    if let base, base.base != nil {
      throw .malformed(
        what: "BTF", offset: 0, reason: "a module's types can't be what another's continue")
    }
    if base?.damage != nil {
      throw .malformed(
        what: "BTF", offset: 0,
        reason: "how many types the kernel has, whose numbers these continue, is lost by damage")
    }
    self.base = base
    sections = try BTFSections(bytes)
    strings = BTFStrings(sections.strings, base: base?.strings.own ?? .empty)
    index = BTFIndex(sections.types, strings)
  }

  /// The number of the first type of its own.
  public var firstID: UInt64 { base?.endID ?? 1 }

  /// The number behind that of the last type.
  public var endID: UInt64 { firstID + UInt64(index.offsets.count) }

  /// What is damaged in the table of types: from there on nothing is known.
  public var damage: SymbolError? { index.damage }

  /// As `TypeGraph` says. Throws `.unknownType` for numbers of entries that aren't types.
  public func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    if let base, id.rawValue < firstID { return try base.node(id) }
    if let cached = cache.withLock({ $0.node(id) }) { return cached }
    let node = try BTFDecoder(self).node(id)
    cache.withLock { $0.add(node, id) }
    return node
  }

  /// The entry that `id` stands for. Throws `.unknownType` if there is none.
  func entry(_ id: UInt64) throws(SymbolError) -> (entry: BTFEntry, kind: BTFKind) {
    guard id >= firstID else {
      guard let base, id > 0 else { throw .unknownType(id) }
      return try base.entry(id)
    }
    guard id < endID else { throw .unknownType(id) }
    let offset = UInt64(index.offsets[Int(id - firstID)])
    let entry: BTFEntry
    do throws(ByteError) {
      entry = try BTFEntry(sections.types, at: offset)
    } catch {
      throw .malformed(what: "BTF type", offset: offset, reason: "\(error)")
    }
    guard let kind = BTFKind(rawValue: entry.kindNumber) else { throw .unknownType(id) }
    return (entry, kind)
  }
}
