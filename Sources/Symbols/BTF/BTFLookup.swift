// Types by their names.
extension BTFTypes {
  /// As `TypeLibrary` says. Of several definitions the first; a module's own come before the
  /// kernel's.
  public func type(named name: String) throws(SymbolError) -> TypeReference? {
    let wanted = TypeName(name)
    var declaration: TypeReference?
    for found in entries(named: wanted.name) where wanted.tag.accepts(found.kind) {
      let reference = TypeReference(self, TypeID(found.id))
      if !found.isDeclaration { return reference }
      declaration = declaration ?? reference
    }
    return declaration
  }

  /// Every type of that name: `task_struct` stands for whatever structure, union, enumeration or
  /// typedef is called so, `struct task_struct` for structures only. Definitions, or if there are
  /// none, declarations.
  public func types(named name: String) -> [TypeReference] {
    let wanted = TypeName(name)
    let found = entries(named: wanted.name).filter {
      wanted.tag == .none ? $0.kind.isType : wanted.tag.accepts($0.kind)
    }
    let definitions = found.filter { !$0.isDeclaration }
    return (definitions.isEmpty ? Array(found.prefix(1)) : definitions).map {
      TypeReference(self, TypeID($0.id))
    }
  }

  /// Every structure and union that is called `name`, definitions before declarations.
  public func structures(named name: String) -> [TypeReference] {
    let found = entries(named: name).filter {
      [.structure, .union, .forward].contains($0.kind)
    }
    return (found.filter { !$0.isDeclaration } + found.filter(\.isDeclaration)).map {
      TypeReference(self, TypeID($0.id))
    }
  }

  /// The prototype of the function `name`; nil if BTF doesn't have it.
  public func function(named name: String) throws(SymbolError) -> TypeReference? {
    for found in entries(named: name) where found.kind == .function {
      guard let type = reference(try entry(found.id).entry.sizeOrType) else { continue }
      return TypeReference(self, type)
    }
    return nil
  }

  /// The type of the variable `name`; nil if BTF doesn't have it. It has few but per-CPU variables.
  public func variable(named name: String) throws(SymbolError) -> TypeReference? {
    for found in entries(named: name) where found.kind == .variable {
      return TypeReference(self, reference(try entry(found.id).entry.sizeOrType))
    }
    return nil
  }

  /// As `TypeLibrary` says. There is no index of enumerators: all enumerations are searched.
  public func enumerator(
    named name: String
  ) throws(SymbolError) -> (type: TypeReference, value: Int64)? {
    let wanted = Array(name.utf8)
    guard !wanted.isEmpty, !wanted.contains(0) else { return nil }
    for place in index.offsets.indices {
      let id = firstID + UInt64(place)
      let (entry, kind) = try entry(id)
      guard kind == .enumeration || kind == .enumeration64 else { continue }
      for element in 0..<UInt64(entry.count) {
        let offset = entry.offset + BTFEntry.size + element * kind.elementSize
        guard strings.isEqual(wanted, at: try word(at: offset)),
          case .enumeration(let enumeration) = try node(TypeID(id))
        else { continue }
        return (TypeReference(self, TypeID(id)), enumeration.enumerators[Int(element)].value)
      }
    }
    return try base?.enumerator(named: name)
  }

  /// An entry that was found by name.
  struct Found {
    let id: UInt64
    let kind: BTFKind
    let isDeclaration: Bool
  }

  /// The entries called `name`: its own, then the kernel's.
  func entries(named name: String) -> [Found] {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty, !bytes.contains(0) else { return [] }
    return ownEntries(named: bytes) + (base?.ownEntries(named: bytes) ?? [])
  }

  private func ownEntries(named name: [UInt8]) -> [Found] {
    var result: [Found] = []
    for place in index.candidates(hash: BTFNameHash.hash(name)) {
      let id = firstID + UInt64(place)
      do throws(SymbolError) {
        let (entry, kind) = try entry(id)
        guard kind.isNamed, strings.isEqual(name, at: entry.nameOffset) else { continue }
        let isDeclaration = kind == .forward || (kind == .enumeration && entry.count == 0)
        result.append(Found(id: id, kind: kind, isDeclaration: isDeclaration))
      } catch {
        // Only entries that were read when the index was made are in it.
        continue
      }
    }
    return result
  }
}

extension BTFKind {
  /// Whether the name is a type's, not a function's or a variable's.
  var isType: Bool { isNamed && self != .function && self != .variable }
}
