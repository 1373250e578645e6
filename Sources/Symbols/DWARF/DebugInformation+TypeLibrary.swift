extension DebugInformation: TypeLibrary {
  /// The type of that name. Names without a keyword are looked up as typedefs and base types.
  public func type(named name: String) throws(SymbolError) -> TypeReference? {
    for (kind, plain) in Self.candidates(name) {
      if let id = try type(named: plain, kind: kind) { return TypeReference(self, id) }
    }
    return nil
  }

  private static let keywords: [(word: String, kind: TypeKind)] = [
    ("struct ", .structure), ("union ", .union), ("enum ", .enumeration), ("class ", .structure),
  ]

  /// What `name` may mean, likeliest first. Debug information has the base types by GCC's names.
  static func candidates(_ name: String) -> [(kind: TypeKind, name: String)] {
    for keyword in keywords where name.hasPrefix(keyword.word) {
      return [(keyword.kind, String(name.dropFirst(keyword.word.count)))]
    }
    let base = baseNames[name] ?? name
    return [(.base, base), (.typedef, name)]
  }

  /// GCC's names of types that C spells otherwise, too.
  private static let baseNames: [String: String] = [
    "unsigned": "unsigned int", "short": "short int", "unsigned short": "short unsigned int",
    "long": "long int", "unsigned long": "long unsigned int", "long long": "long long int",
    "unsigned long long": "long long unsigned int", "bool": "_Bool",
  ]
}
