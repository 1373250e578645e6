/// The symbols of one module, by address and by name, wherever they come from: an ELF file's tables,
/// or a running kernel's own.
public protocol SymbolTable: Sendable {
  /// Whether there is any symbol.
  var isEmpty: Bool { get }

  /// The symbol that `address` (a link-time address) belongs to, and how far beyond its start it is;
  /// nil if there is none.
  func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)?

  /// The symbol of that name; of several the one that others can see. Nil if there is none.
  func symbol(named name: String) -> ELFSymbol?

  /// All symbols of that name.
  func symbols(named name: String) -> [ELFSymbol]
}
