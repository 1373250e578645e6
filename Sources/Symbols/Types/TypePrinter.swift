/// Prints types of any graph as gdb's `whatis` does: `struct BlockDriverState *`,
/// `int (*)(void *, char)`, `char [16]`.
public struct TypePrinter: Sendable {
  public let graph: any TypeGraph
  /// In C a record's name follows its keyword: `struct list_head`; in C++ and Rust it stands alone.
  public let language: SourceLanguage

  public init(graph: any TypeGraph, language: SourceLanguage = .c) {
    self.graph = graph
    self.language = language
  }

  /// The type's name; nil is `void`.
  public func name(of id: TypeID?) throws(SymbolError) -> String {
    try declaration(of: id, name: "")
  }

  /// The declaration of `name` as something of the type, such as `char name[16]`.
  public func declaration(of id: TypeID?, name: String) throws(SymbolError) -> String {
    var printing = Printing(printer: self)
    try printing.visit(id, depth: 0)
    return printing.text(around: name)
  }
}

/// A declaration in the making: C writes types inside out, around the declared name.
private struct Printing {
  let printer: TypePrinter
  /// What stands before the name, outermost first.
  var specifier = ""
  /// Pointers and their qualifiers, to stand directly before the name.
  var prefix = ""
  /// Arrays and parameter lists, to stand after the name.
  var suffix = ""

  init(printer: TypePrinter) { self.printer = printer }

  func text(around name: String) -> String { specifier + prefix + name + suffix }
  mutating func visit(_ id: TypeID?, depth: Int) throws(SymbolError) {}
}
