import CElfutils

/// Names with their scopes. An entry doesn't know what it stands in, so each unit gets a table of
/// what stands inside its namespaces and types.
extension Session {
  /// The name of a type's entry with its scopes, if it has one.
  func typeName(of entry: Entry) throws(SymbolError) -> String? {
    guard let plain = try entry.string(DW_AT_name, integrated: true) else { return nil }
    return try qualifiedName(of: entry, plain: plain)
  }

  /// `plain` with the scopes that the entry, or the declaration that it completes, stands in.
  func qualifiedName(of entry: Entry, plain: String) throws(SymbolError) -> String {
    let declaration = try declaration(of: entry)
    guard let unit = try unit(of: declaration), unit.language.hasScopes else { return plain }
    let prefix = try prefixes(of: unit, containing: declaration)[declaration.offset]
    return CanonicalName.of(prefix.map { $0 + plain } ?? plain)
  }

  /// What stands in the scope: a definition outside of it refers to its declaration inside, an
  /// instance to the abstract function.
  private func declaration(of entry: Entry) throws(SymbolError) -> Entry {
    var current = entry
    for _ in 0..<8 {
      if let next = try current.reference(DW_AT_abstract_origin) {
        current = next
      } else if let next = try current.reference(DW_AT_specification) {
        current = next
      } else {
        return current
      }
    }
    throw .tooDeep(what: "declaration", limit: 8)
  }

  private func prefixes(of unit: Unit, containing entry: Entry) throws(SymbolError) -> [UInt64:
    String]
  {
    if let known = unit.prefixes { return known }
    var prefixes: [UInt64: String] = [:]
    try collect(in: unit.root, prefix: "", language: unit.language, depth: 0, into: &prefixes)
    unit.prefixes = prefixes
    return prefixes
  }

  private func collect(
    in parent: Entry, prefix: String, language: SourceLanguage, depth: Int,
    into prefixes: inout [UInt64: String]
  ) throws(SymbolError) {
    guard depth < 64 else { return }
    try parent.forEachChild { child throws(SymbolError) in
      if !prefix.isEmpty { prefixes[child.offset] = prefix }
      guard child.opensScope, child.hasChildren else { return true }
      // A namespace's later parts refer to its first; a class defined elsewhere keeps its name.
      var name = try child.string(DW_AT_name, integrated: true)
      if name == nil, child.tag == DW_TAG_namespace { name = "(anonymous namespace)" }
      // What stands in a nameless type is reached through its members only.
      var inner = name.map { prefix + $0 + "::" } ?? prefix
      if child.has(DW_AT_specification), let name {
        let declared = try declaration(of: child)
        if let known = prefixes[declared.offset] {
          inner = known + name + "::"
        } else if declared.unitID != parent.unitID {
          // A class's declaration may stand in a type unit.
          inner = try qualifiedName(of: declared, plain: name) + "::"
        }
      }
      try collect(
        in: child, prefix: inner, language: language, depth: depth + 1, into: &prefixes)
      return true
    }
  }
}

extension Entry {
  fileprivate var unitID: EntryID? { unitRoot?.id }

  /// Names inside such an entry are qualified with its own.
  fileprivate var opensScope: Bool {
    switch tag {
    case DW_TAG_namespace, DW_TAG_structure_type, DW_TAG_class_type, DW_TAG_union_type,
      DW_TAG_interface_type, DW_TAG_module, DW_TAG_enumeration_type:
      true
    default: false
    }
  }
}

extension SourceLanguage {
  /// Whether names are qualified at all.
  fileprivate var hasScopes: Bool {
    switch self {
    // dwz's partial units don't say their language.
    case .cPlusPlus, .rust, .other(0): true
    case .c, .swift, .assembler, .other: false
    }
  }
}
