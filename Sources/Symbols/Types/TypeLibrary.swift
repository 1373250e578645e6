/// Types that can be asked for by their names: a program's, by DWARF, or a kernel's, by BTF.
public protocol TypeLibrary: Sendable {
  /// The type of that name, as C spells it: `struct task_struct`, `union sigval`, `enum pid_type`,
  /// `u64`, `unsigned long`. A definition is preferred to a mere declaration. Nil if there is none.
  func type(named name: String) throws(SymbolError) -> TypeReference?

  /// Every type of that name; without `struct`, `union` or `enum` before it, whatever is called so.
  func types(named name: String) throws(SymbolError) -> [TypeReference]

  /// The type of the function `name`; nil if that isn't known, as by default.
  func function(named name: String) throws(SymbolError) -> TypeReference?

  /// The type of the variable `name`; nil if that isn't known, as by default.
  func variable(named name: String) throws(SymbolError) -> TypeReference?

  /// The enumerator `name`, with its enumeration; nil if there is none or, as by default, that isn't
  /// known.
  func enumerator(
    named name: String
  ) throws(SymbolError) -> (type: TypeReference, value: Int64)?
}

extension TypeLibrary {
  public func types(named name: String) throws(SymbolError) -> [TypeReference] {
    var found: [TypeReference] = []
    for tag in ["", "struct ", "union ", "enum "] {
      if let type = try type(named: tag + name) { found.append(type) }
    }
    return found
  }

  public func function(named name: String) throws(SymbolError) -> TypeReference? { nil }

  public func variable(named name: String) throws(SymbolError) -> TypeReference? { nil }

  public func enumerator(
    named name: String
  ) throws(SymbolError) -> (type: TypeReference, value: Int64)? { nil }
}
