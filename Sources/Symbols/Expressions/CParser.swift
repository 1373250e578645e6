/// Parses C's expressions (C17, section 6.5) without assignments, calls and commas, and with a few
/// of the kernel's macros.
struct CParser {
  static let depthLimit = 64

  private let tokens: [CToken]
  private var position = 0
  private var depth = 0
  /// Whether a name is a type's.
  private let isType: (String) -> Bool

  private init(_ tokens: [CToken], isType: @escaping (String) -> Bool) {
    self.tokens = tokens
    self.isType = isType
  }

  static func parse(
    _ text: String, isType: @escaping (String) -> Bool
  ) throws(CExpressionError) -> CSyntax {
    var parser = CParser(try CTokenizer.tokens(text), isType: isType)
    let syntax = try parser.conditional()
    guard parser.current.kind == .end else { throw parser.expected("an operator or the end") }
    return syntax
  }

  // MARK: Tokens

  /// The last one is the end, which is never passed.
  private var current: CToken { tokens[position] }

  private mutating func advance() -> CToken {
    let token = current
    if token.kind != .end { position += 1 }
    return token
  }

  private func expected(_ what: String) -> CExpressionError {
    CExpressionError(column: current.column, .expected(what))
  }

  private func isNext(_ punctuator: String, at distance: Int = 0) -> Bool {
    position + distance < tokens.count
      && tokens[position + distance].kind == .punctuator(punctuator)
  }

  private mutating func accept(_ punctuator: String) -> Bool {
    guard isNext(punctuator) else { return false }
    position += 1
    return true
  }

  private mutating func require(_ punctuator: String) throws(CExpressionError) {
    guard accept(punctuator) else { throw expected("'\(punctuator)'") }
  }

  private mutating func name() throws(CExpressionError) -> String {
    guard case .name(let name) = current.kind else { throw expected("a name") }
    position += 1
    return name
  }

  /// Counts a level of nesting, which the stack has to bear.
  private mutating func nest<Result>(
    _ body: (inout CParser) throws(CExpressionError) -> Result
  ) throws(CExpressionError) -> Result {
    guard depth < Self.depthLimit else {
      throw CExpressionError(column: current.column, .tooLong(limit: Self.depthLimit))
    }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  // MARK: Operators

  private mutating func conditional() throws(CExpressionError) -> CSyntax {
    try nest { parser throws(CExpressionError) in
      let condition = try parser.binary(0)
      let column = parser.current.column
      guard parser.accept("?") else { return condition }
      let yes = try parser.conditional()
      try parser.require(":")
      return CSyntax(
        column: column, form: .conditional(condition, yes, try parser.conditional()))
    }
  }

  /// Binary operators and how tightly they bind.
  private static let precedences: [String: Int] = [
    "||": 0, "&&": 1, "|": 2, "^": 3, "&": 4, "==": 5, "!=": 5, "<": 6, ">": 6, "<=": 6, ">=": 6,
    "<<": 7, ">>": 7, "+": 8, "-": 8, "*": 9, "/": 9, "%": 9,
  ]

  /// Operators that bind at least as tightly as `lowest`. Those that bind alike grow to the left;
  /// their number is bounded too, as the evaluator descends into them.
  private mutating func binary(_ lowest: Int) throws(CExpressionError) -> CSyntax {
    var left = try unary()
    var count = 0
    while case .punctuator(let symbol) = current.kind,
      let precedence = Self.precedences[symbol], precedence >= lowest
    {
      count += 1
      guard count <= Self.depthLimit else {
        throw CExpressionError(column: current.column, .tooLong(limit: Self.depthLimit))
      }
      let column = advance().column
      let right = try binary(precedence + 1)
      left = CSyntax(column: column, form: .binary(symbol, left, right))
    }
    return left
  }

  private mutating func unary() throws(CExpressionError) -> CSyntax {
    try nest { parser throws(CExpressionError) in
      let column = parser.current.column
      guard case .punctuator(let symbol) = parser.current.kind else {
        return try parser.sizeOrPostfix()
      }
      switch symbol {
      case "*":
        _ = parser.advance()
        return CSyntax(column: column, form: .dereference(try parser.unary()))
      case "&":
        _ = parser.advance()
        return CSyntax(column: column, form: .address(try parser.unary()))
      case "-", "+", "~", "!":
        _ = parser.advance()
        return CSyntax(column: column, form: .unary(symbol, try parser.unary()))
      case "(" where parser.beginsType(at: 1):
        _ = parser.advance()
        let type = try parser.typeName()
        try parser.require(")")
        return CSyntax(column: column, form: .cast(type, try parser.unary()))
      default: return try parser.postfix()
      }
    }
  }

  private mutating func sizeOrPostfix() throws(CExpressionError) -> CSyntax {
    let column = current.column
    guard current.kind == .name("sizeof") else { return try postfix() }
    _ = advance()
    guard isNext("("), beginsType(at: 1) else {
      return CSyntax(column: column, form: .sizeOfValue(try unary()))
    }
    _ = advance()
    let type = try typeName()
    try require(")")
    return CSyntax(column: column, form: .sizeOfType(type))
  }

  private mutating func postfix() throws(CExpressionError) -> CSyntax {
    var operand = try primary()
    var count = 0
    while true {
      count += 1
      guard count <= Self.depthLimit else {
        throw CExpressionError(column: current.column, .tooLong(limit: Self.depthLimit))
      }
      let column = current.column
      if accept("[") {
        operand = CSyntax(column: column, form: .element(operand, try conditional()))
        try require("]")
      } else if isNext(".") || isNext("->") {
        let isArrow = advance().kind == .punctuator("->")
        let place = current.column
        operand = CSyntax(
          column: place, form: .member(operand, try name(), isArrow: isArrow))
      } else if isNext("(") {
        throw expected("an operator: functions can't be called, so one")
      } else {
        return operand
      }
    }
  }

  private mutating func primary() throws(CExpressionError) -> CSyntax {
    let token = current
    switch token.kind {
    case .number(let value, let isUnsigned, let isLong):
      _ = advance()
      return CSyntax(
        column: token.column, form: .number(value, isUnsigned: isUnsigned, isLong: isLong))
    case .character(let value):
      _ = advance()
      return CSyntax(
        column: token.column, form: .number(UInt64(value), isUnsigned: false, isLong: false))
    case .punctuator("("):
      _ = advance()
      let inner = try conditional()
      try require(")")
      return inner
    case .name(let name):
      _ = advance()
      guard isNext("("), let form = try macro(name) else {
        return CSyntax(column: token.column, form: .name(name))
      }
      return CSyntax(column: token.column, form: form)
    case .punctuator, .end: throw expected("a name, a number or '('")
    }
  }

  /// The kernel's macros that stand for data (include/linux/container_of.h, percpu-defs.h).
  private mutating func macro(_ name: String) throws(CExpressionError) -> CSyntax.Form? {
    switch name {
    case "container_of", "list_entry":
      try require("(")
      let pointer = try conditional()
      try require(",")
      let type = try typeName()
      try require(",")
      let path = try memberPath()
      try require(")")
      return .containerOf(pointer, type, path)
    case "offsetof":
      try require("(")
      let type = try typeName()
      try require(",")
      let path = try memberPath()
      try require(")")
      return .offsetOf(type, path)
    case "per_cpu", "per_cpu_ptr":
      try require("(")
      let variable = try conditional()
      try require(",")
      let cpu = try conditional()
      try require(")")
      return .perCPU(variable, cpu, isPointer: name == "per_cpu_ptr")
    default: return nil
    }
  }

  private mutating func memberPath() throws(CExpressionError) -> String {
    var path = try name()
    while accept(".") { path += "." + (try name()) }
    return path
  }

  // MARK: Types

  private static let typeWords: Set<String> = [
    "struct", "union", "enum", "const", "volatile", "unsigned", "signed", "long", "short", "int",
    "char", "void", "_Bool", "bool",
  ]
  private static let qualifiers: Set<String> = ["const", "volatile", "restrict"]
  private static let tags: Set<String> = ["struct", "union", "enum"]

  private func beginsType(at distance: Int) -> Bool {
    guard position + distance < tokens.count,
      case .name(let name) = tokens[position + distance].kind
    else { return false }
    return Self.typeWords.contains(name) || isType(name)
  }

  private mutating func typeName() throws(CExpressionError) -> CTypeName {
    let column = current.column
    guard beginsType(at: 0) else {
      if case .name(let name) = current.kind {
        throw CExpressionError(column: column, .unknownType(name))
      }
      throw expected("a type")
    }
    var words: [String] = []
    while case .name(let word) = current.kind {
      _ = advance()
      guard !Self.qualifiers.contains(word) else { continue }
      words.append(word)
      if words.count == 1, Self.tags.contains(word) { words.append(try name()) }
      if words.count > 5 { throw expected("fewer words") }
    }
    var pointers = 0
    while true {
      if accept("*") {
        pointers += 1
      } else if case .name(let word) = current.kind, Self.qualifiers.contains(word) {
        _ = advance()
      } else {
        break
      }
    }
    var dimensions: [UInt64] = []
    while accept("[") {
      guard case .number(let count, _, _) = advance().kind else { throw expected("a number") }
      dimensions.append(count)
      try require("]")
    }
    guard pointers + dimensions.count <= 16 else { throw expected("fewer '*' and '['") }
    if words == ["bool"] { words = ["_Bool"] }
    return CTypeName(
      column: column, base: words.joined(separator: " "), pointers: pointers,
      dimensions: dimensions)
  }
}
