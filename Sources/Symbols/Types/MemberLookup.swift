/// A member of a record, seen from the record it was looked up in.
public struct MemberReference: Sendable {
  public let type: TypeReference
  /// From the first byte of the record that was searched.
  public let bitOffset: UInt64
  /// Nil unless the member is a bit field.
  public let bitSize: UInt64?

  /// From the first byte of the record that was searched; a bit field's is rounded down.
  public var byteOffset: UInt64 { bitOffset / 8 }
}

extension TypeReference {
  /// The member `path` of this struct, union or class (or of a typedef of one): a name, or names
  /// joined by dots. Names are found in anonymous members and in base classes too.
  ///
  /// - Throws: `.noMember` if there is none, `.tooDeep` if records nest in a circle.
  public func member(named path: String) throws(SymbolError) -> MemberReference {
    guard let id else { return try search(for: path) }
    return try graph.member(named: path, of: id)
  }

  /// Likewise, by a search of the records' nodes.
  func search(for path: String) throws(SymbolError) -> MemberReference {
    var found = MemberReference(type: self, bitOffset: 0, bitSize: nil)
    for name in path.split(separator: ".", omittingEmptySubsequences: false) {
      guard let next = try found.type.directMember(named: name, depth: 0) else {
        let printer = TypePrinter(graph: graph)
        throw .noMember(type: try printer.name(of: found.type.id), member: String(name))
      }
      found = MemberReference(
        type: next.type, bitOffset: found.bitOffset &+ next.bitOffset, bitSize: next.bitSize)
    }
    return found
  }

  private func directMember(
    named name: Substring, depth: Int
  ) throws(SymbolError) -> MemberReference? {
    guard depth < Self.depthLimit else { throw .tooDeep(what: "record", limit: Self.depthLimit) }
    guard case .record(let record) = try stripped().node() else { return nil }
    // The record's own names hide those of its base classes.
    for member in record.members where !member.isStatic {
      if let own = member.name, !member.isBase {
        guard own == name else { continue }
        return MemberReference(
          type: TypeReference(graph, member.type), bitOffset: member.bitOffset,
          bitSize: member.bitSize)
      }
    }
    for member in record.members
    where !member.isStatic && member.virtualLocation == nil && (member.name == nil || member.isBase)
    {
      let inner = TypeReference(graph, member.type)
      if let found = try inner.directMember(named: name, depth: depth + 1) {
        return MemberReference(
          type: found.type, bitOffset: member.bitOffset &+ found.bitOffset, bitSize: found.bitSize)
      }
    }
    return nil
  }
}
