import CElfutils

/// What was asked for by name.
struct LookupKey: Hashable {
  enum Subject: Hashable {
    case type(TypeKind)
    case function
    case variable
  }

  let name: String
  let subject: Subject
}

/// Looking entries up by name. Compilers rarely write an index of names that can be relied on, so
/// units are searched one by one: their outermost entries and those of their namespaces.
extension Session {
  /// The entry of that name: a definition, or a mere declaration if there's nothing better.
  func find(_ key: LookupKey, hint: LookupHint?) throws(SymbolError) -> Entry? {
    if let known = lookups[key] { return try known.map(entry) }
    var search = NameSearch(session: self, key: key)
    if let hint, try searchHinted(&search, hint) {
      // What a hint leads to may differ from what the whole module gives first: not remembered.
      return search.definition
    }
    if case .onlySourceFile = hint { return nil }
    try searchAll(&search)
    let found = search.definition ?? search.declaration
    lookups[key] = .some(found?.id)
    return found
  }

  private func searchHinted(
    _ search: inout NameSearch, _ hint: LookupHint
  ) throws(SymbolError) -> Bool {
    switch hint {
    case .address(let address):
      if let unit = try unit(covering: address) { try search.visit(unit) }
    case .sourceFile(let file), .onlySourceFile(let file):
      for unit in try units(namedAfter: file) where search.definition == nil {
        try search.visit(unit)
      }
    }
    return search.definition != nil
  }

  private func searchAll(_ search: inout NameSearch) throws(SymbolError) {
    for library in [library, library.alternate].compactMap({ $0 }) {
      try library.forEachUnit { header throws(SymbolError) in
        do throws(SymbolError) {
          if library === self.library {
            try search.visit(try unit(header))
          } else {
            try search.visit(header.root)
          }
        } catch {
          // A damaged unit doesn't hide what the others hold.
          note(error.description)
        }
        return search.definition == nil
      }
      if search.definition != nil { return }
    }
  }

  /// The units compiled from a file whose path ends in `file`.
  private func units(namedAfter file: String) throws(SymbolError) -> [Unit] {
    var found: [Unit] = []
    try library.forEachUnit { header throws(SymbolError) in
      guard Unit.holdsCode(header),
        let name = try header.root.string(DW_AT_name), name == file || name.hasSuffix("/" + file)
      else { return true }
      found.append(try unit(header))
      return true
    }
    return found
  }
}

/// One search through units.
struct NameSearch {
  private let session: Session
  private let key: LookupKey
  /// The name without its scopes, as entries have it.
  private let lastName: CName
  private let isLinkageName: Bool
  /// The scopes' own names.
  private let scopes: [CName]
  private var imported: Set<EntryID> = []

  private(set) var definition: Entry?
  private(set) var declaration: Entry?

  init(session: Session, key: LookupKey) {
    self.session = session
    self.key = key
    let parts = key.name.scopeComponents
    lastName = CName(parts.last ?? "")
    scopes = parts.dropLast().map { CName($0) }
    isLinkageName = key.name.hasPrefix("_Z") || key.name.hasPrefix("_R")
  }

  mutating func visit(_ unit: Unit) throws(SymbolError) {
    try visit(unit.root)
  }

  mutating func visit(_ root: Entry) throws(SymbolError) {
    try visit(root, depth: 0)
  }

  private mutating func visit(_ parent: Entry, depth: Int) throws(SymbolError) {
    guard depth < 32 else { return }
    try parent.forEachChild { child throws(SymbolError) in
      if isCandidate(child.tag) {
        try consider(child)
      } else if child.tag == DW_TAG_imported_unit {
        try visitImport(child, depth: depth)
      }
      if definition == nil, mayContain(child) { try visit(child, depth: depth + 1) }
      return definition == nil
    }
  }

  /// dwz moves what several units share into partial units that they import.
  private mutating func visitImport(_ entry: Entry, depth: Int) throws(SymbolError) {
    guard let root = try entry.reference(DW_AT_import), imported.insert(root.id).inserted else {
      return
    }
    try visit(root, depth: depth + 1)
  }

  private func mayContain(_ entry: Entry) -> Bool {
    switch entry.tag {
    case DW_TAG_namespace, DW_TAG_module: true
    case DW_TAG_structure_type, DW_TAG_class_type, DW_TAG_union_type:
      scopes.contains { entry.isNamed($0) }
    default: false
    }
  }

  private func isCandidate(_ tag: Int) -> Bool {
    switch key.subject {
    case .function: tag == DW_TAG_subprogram
    case .variable: tag == DW_TAG_variable
    case .type(.structure): tag == DW_TAG_structure_type || tag == DW_TAG_class_type
    case .type(.union): tag == DW_TAG_union_type
    case .type(.enumeration): tag == DW_TAG_enumeration_type
    case .type(.typedef): tag == DW_TAG_typedef
    case .type(.base): tag == DW_TAG_base_type
    }
  }

  private mutating func consider(_ entry: Entry) throws(SymbolError) {
    let completes = key.subject == .function || key.subject == .variable
    if isLinkageName {
      guard
        try entry.string(
          anyOf: [DW_AT_linkage_name, DW_AT_MIPS_linkage_name], integrated: completes) == key.name
      else { return }
    } else {
      guard entry.isNamed(lastName, integrated: completes), try isQualifiedMatch(entry) else {
        return
      }
    }
    if try isDefinition(entry) {
      definition = entry
    } else if declaration == nil {
      declaration = entry
    }
  }

  private func isQualifiedMatch(_ entry: Entry) throws(SymbolError) -> Bool {
    guard let plain = try entry.string(DW_AT_name, integrated: true) else { return false }
    return try session.qualifiedName(of: entry, plain: plain) == CanonicalName.of(key.name)
  }

  private func isDefinition(_ entry: Entry) throws(SymbolError) -> Bool {
    switch key.subject {
    case .type: !entry.flag(DW_AT_declaration)
    case .function: try !entry.ranges().isEmpty
    case .variable: entry.has(DW_AT_location) || entry.has(DW_AT_const_value)
    }
  }
}

extension String {
  /// The parts between `::`, those inside template arguments and parentheses left alone.
  var scopeComponents: [Substring] {
    var parts: [Substring] = []
    var start = startIndex
    var depth = 0
    var index = startIndex
    while index < endIndex {
      switch self[index] {
      case "<", "(": depth += 1
      case ">", ")": depth -= 1
      case ":" where depth == 0 && self[index...].hasPrefix("::"):
        parts.append(self[start..<index])
        start = self.index(index, offsetBy: 2)
        index = start
        continue
      default: break
      }
      index = self.index(after: index)
    }
    parts.append(self[start...])
    return parts
  }
}
