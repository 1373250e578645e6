/// Prints types of any graph as gdb's `whatis` does: `struct BlockDriverState *`,
/// `int (*)(void *, char)`, `char [16]`.
public struct TypePrinter {
  /// In C a record's name follows its keyword: `struct list_head`; in C++ and Rust it stands alone.
  public let language: SourceLanguage
  /// Write `char const*`, as demanglers do, rather than `const char *`.
  private let qualifiersFollow: Bool
  private let node: (TypeID) throws(SymbolError) -> TypeNode

  public init(graph: any TypeGraph, language: SourceLanguage = .c) {
    self.init(language: language) { id throws(SymbolError) in try graph.node(id) }
  }

  init(
    language: SourceLanguage, qualifiersFollow: Bool = false,
    node: @escaping (TypeID) throws(SymbolError) -> TypeNode
  ) {
    self.language = language
    self.qualifiersFollow = qualifiersFollow
    self.node = node
  }

  /// How many pointers, arrays and functions may be wrapped around each other.
  public static let depthLimit = 64

  /// The type's name; nil is `void`.
  public func name(of id: TypeID?) throws(SymbolError) -> String {
    try declaration(of: id, name: "")
  }

  /// The declaration of `name` as something of the type, such as `char name[16]`.
  public func declaration(of id: TypeID?, name: String) throws(SymbolError) -> String {
    try declaration(of: id, name: name, depth: 0)
  }

  private func declaration(
    of id: TypeID?, name: String, depth: Int
  ) throws(SymbolError) -> String {
    let declarator = try unwrap(id, depth: depth)
    var prefix = declarator.prefix(from: 0, afterPointer: false)
    if !name.isEmpty, prefix.last?.isLetter == true { prefix += " " }
    let rest = prefix + name + declarator.suffix(from: 0, afterPointer: false)
    let isApart = declarator.needsSpace(tight: qualifiersFollow) || !name.isEmpty
    return isApart ? declarator.base + " " + rest : declarator.base + rest
  }

  // MARK: Unwrapping

  /// Takes pointers, arrays and functions off until a type with a name is left. C writes those
  /// inside out, around the declared name.
  private func unwrap(_ id: TypeID?, depth: Int) throws(SymbolError) -> Declarator {
    var declarator = Declarator()
    var qualifiers: Set<Qualifier> = []
    var current = id
    for _ in 0..<Self.depthLimit {
      guard let type = current else {
        declarator.base = qualified("void", qualifiers)
        return declarator
      }
      switch try node(type) {
      case .qualified(let qualifier, let target):
        qualifiers.insert(qualifier)
        current = target
      case .pointer(let target, _):
        declarator.layers.append(.pointer("*" + suffix(qualifiers)))
        (current, qualifiers) = (target, [])
      case .reference(let target, let isRvalue, _):
        declarator.layers.append(.pointer((isRvalue ? "&&" : "&") + suffix(qualifiers)))
        (current, qualifiers) = (target, [])
      case .memberPointer(let target, let record, _):
        let owner = try declaration(of: record, name: "", depth: try deeper(depth))
        declarator.layers.append(.memberPointer(owner: owner, isMethod: try isFunction(target)))
        (current, qualifiers) = (target, [])
      case .array(let element, let dimensions, let isVector):
        declarator.layers.append(
          .array(text(of: dimensions, isVector: isVector), isVector: isVector))
        // Qualifiers of an array are its elements'.
        current = element
      case .function(let function):
        var isMethod = false
        if case .memberPointer? = declarator.layers.last { isMethod = true }
        let parameters = try text(
          ofParameters: function, isMethod: isMethod, depth: try deeper(depth))
        declarator.layers.append(.function(parameters))
        (current, qualifiers) = (function.result, [])
      case let named:
        declarator.base = qualified(Self.name(of: named, language: language), qualifiers)
        return declarator
      }
    }
    throw .tooDeep(what: "type", limit: Self.depthLimit)
  }

  private func deeper(_ depth: Int) throws(SymbolError) -> Int {
    guard depth < 16 else { throw .tooDeep(what: "type", limit: 16) }
    return depth + 1
  }

  private func isFunction(_ id: TypeID?) throws(SymbolError) -> Bool {
    guard let id, case .function = try node(id) else { return false }
    return true
  }

  private func text(of dimensions: [Dimension], isVector: Bool) -> String {
    if isVector {
      let count = dimensions.first?.count.map { String($0) } ?? ""
      return " __attribute__ ((vector_size(\(count))))"
    }
    return dimensions.map {
      $0.isVariable ? "[variable length]" : "[" + ($0.count.map { String($0) } ?? "") + "]"
    }.joined()
  }

  private func text(
    ofParameters function: FunctionNode, isMethod: Bool, depth: Int
  ) throws(SymbolError) -> String {
    var parameters: [String] = []
    for parameter in function.parameters {
      parameters.append(try declaration(of: parameter, name: "", depth: depth))
    }
    // `this` can't be changed; debug information leaves that out.
    if isMethod, let this = parameters.first, this.hasSuffix("*") {
      parameters[0] = this + " const"
    }
    if function.isVariadic { parameters.append("...") }
    if parameters.isEmpty, function.isPrototyped || language == .cPlusPlus { return "(void)" }
    return "(" + parameters.joined(separator: ", ") + ")"
  }

  // MARK: Words

  /// `const T`; gdb writes qualifiers of named types in this order.
  private func qualified(_ base: String, _ qualifiers: Set<Qualifier>) -> String {
    qualifiersFollow
      ? base + suffix(qualifiers) : words(qualifiers).map { $0 + " " }.joined() + base
  }

  /// ` const`, after a pointer's asterisk.
  private func suffix(_ qualifiers: Set<Qualifier>) -> String {
    words(qualifiers).map { " " + $0 }.joined()
  }

  private func words(_ qualifiers: Set<Qualifier>) -> [String] {
    guard !qualifiers.isEmpty else { return [] }
    let order: [Qualifier] = [.const, .volatile, .restrict, .atomic]
    return order.filter(qualifiers.contains).map { qualifier in
      guard language == .cPlusPlus else { return qualifier.rawValue }
      return switch qualifier {
      case .restrict: "__restrict__"
      case .atomic: "std::atomic"
      case .const, .volatile: qualifier.rawValue
      }
    }
  }

  /// A type that has a name, or gdb's stand-in for one.
  static func name(of node: TypeNode, language: SourceLanguage) -> String {
    switch node {
    case .base(let name, _, _): return baseName(name)
    case .typedef(let name, _), .unspecified(let name): return name
    case .record(let record):
      let keyword = record.kind.rawValue
      guard let name = record.name else { return keyword + " {...}" }
      return hasTags(language) ? keyword + " " + name : name
    case .enumeration(let enumeration):
      guard let name = enumeration.name else { return "enum {...}" }
      return hasTags(language) ? "enum " + name : name
    case .pointer, .reference, .array, .qualified, .function, .memberPointer: return ""
    }
  }

  /// In these languages `struct x` and `x` are different names.
  private static func hasTags(_ language: SourceLanguage) -> Bool {
    switch language {
    case .cPlusPlus, .rust, .swift: false
    case .c, .assembler, .other: true
    }
  }

  /// GCC's names of the integer types in gdb's words.
  static func baseName(_ name: String) -> String {
    switch name {
    case "long int": "long"
    case "long unsigned int": "unsigned long"
    case "long long int": "long long"
    case "long long unsigned int": "unsigned long long"
    case "short int": "short"
    case "short unsigned int": "unsigned short"
    case "__int128 unsigned": "unsigned __int128"
    default: name
    }
  }
}

/// A type taken apart: its innermost, named type and what is wrapped around it, outermost first.
private struct Declarator {
  var base = ""
  var layers: [Layer] = []

  enum Layer {
    /// The asterisk or ampersand with its qualifiers.
    case pointer(String)
    case memberPointer(owner: String, isMethod: Bool)
    case array(String, isVector: Bool)
    case function(String)
  }

  /// Vectors are written behind the base without a space; demanglers write pointers so, too.
  func needsSpace(tight: Bool) -> Bool {
    if case .array(_, true)? = layers.first { return false }
    if tight, case .pointer? = layers.last { return false }
    return !layers.isEmpty
  }

  /// What stands before the declared name. `[]` and `()` bind tighter than `*`, hence the
  /// parentheses.
  func prefix(from index: Int, afterPointer: Bool) -> String {
    guard index < layers.count else { return "" }
    switch layers[index] {
    case .pointer(let text):
      let inner = prefix(from: index + 1, afterPointer: true)
      // `char * const *`: a qualifier and what follows it are words apart.
      return inner + (inner.last?.isLetter == true ? " " : "") + text
    case .memberPointer(let owner, let isMethod):
      return prefix(from: index + 1, afterPointer: false) + (isMethod ? "(" : "") + owner + "::*"
    case .array, .function:
      return prefix(from: index + 1, afterPointer: false) + (afterPointer ? "(" : "")
    }
  }

  /// What stands after the declared name.
  func suffix(from index: Int, afterPointer: Bool) -> String {
    guard index < layers.count else { return "" }
    switch layers[index] {
    case .pointer: return suffix(from: index + 1, afterPointer: true)
    case .memberPointer(_, let isMethod):
      return (isMethod ? ")" : "") + suffix(from: index + 1, afterPointer: false)
    case .array(let text, _), .function(let text):
      return (afterPointer ? ")" : "") + text + suffix(from: index + 1, afterPointer: false)
    }
  }
}
