// Members by their names, remembered: readers of lists ask for the same few of every element.
extension BTFTypes {
  /// As `TypeGraph` says. Of a structure that is only declared here, but defined once elsewhere in
  /// the table, the definition's.
  public func member(named path: String, of id: TypeID) throws(SymbolError) -> MemberReference {
    if let base, id.rawValue < firstID { return try base.member(named: path, of: id) }
    let key = BTFCache.MemberKey(id: id, path: path)
    switch cache.withLock({ $0.member(key) }) {
    case .member(let type, let bitOffset, let bitSize):
      return MemberReference(
        type: TypeReference(self, type), bitOffset: bitOffset, bitSize: bitSize)
    case .absent(let error): throw error
    case nil: break
    }
    do throws(SymbolError) {
      let found = try definition(of: id).search(for: path)
      let answer = BTFCache.MemberAnswer.member(
        type: found.type.id, bitOffset: found.bitOffset, bitSize: found.bitSize)
      cache.withLock { $0.add(answer, key) }
      return found
    } catch {
      if case .noMember = error { cache.withLock { $0.add(.absent(error), key) } }
      throw error
    }
  }

  /// The type `id`, or if it is a mere declaration, the only structure of its kind and name.
  private func definition(of id: TypeID) throws(SymbolError) -> TypeReference {
    let type = try TypeReference(self, id).stripped()
    guard case .record(let record) = try type.node(), record.isDeclaration, let name = record.name
    else { return type }
    let kind: BTFKind = record.kind == .union ? .union : .structure
    let definitions = entries(named: name).filter { $0.kind == kind }
    guard definitions.count == 1 else { return type }
    return TypeReference(self, TypeID(definitions[0].id))
  }
}
