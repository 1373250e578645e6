/// Types that can be asked for by their names: a program's, by DWARF, or a kernel's, by BTF.
public protocol TypeLibrary: Sendable {
  /// The type of that name, as C spells it: `struct task_struct`, `union sigval`, `enum pid_type`,
  /// `u64`, `unsigned long`. A definition is preferred to a mere declaration. Nil if there is none.
  func type(named name: String) throws(SymbolError) -> TypeReference?
}
