/// A word of an expression, and the column (from 1) where it begins.
struct CToken {
  enum Kind: Equatable {
    case name(String)
    /// With its suffix's meaning.
    case number(UInt64, isUnsigned: Bool, isLong: Bool)
    case character(UInt8)
    case punctuator(String)
    case end
  }

  let kind: Kind
  let column: Int
}

/// Takes an expression apart (C17, section 6.4).
struct CTokenizer {
  static let lengthLimit = 4096

  private let text: [UInt8]
  private var position = 0

  private init(_ text: String) { self.text = Array(text.utf8) }

  static func tokens(_ text: String) throws(CExpressionError) -> [CToken] {
    var tokenizer = CTokenizer(text)
    guard tokenizer.text.count <= lengthLimit else {
      throw CExpressionError(column: lengthLimit, .tooLong(limit: lengthLimit))
    }
    var tokens: [CToken] = []
    repeat { tokens.append(try tokenizer.next()) } while tokens.last?.kind != .end
    return tokens
  }

  private var current: UInt8? { position < text.count ? text[position] : nil }

  private mutating func next() throws(CExpressionError) -> CToken {
    while let byte = current, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
      position += 1
    }
    let column = position + 1
    guard let byte = current else { return CToken(kind: .end, column: column) }
    if Self.isLetter(byte) {
      return CToken(kind: .name(word()), column: column)
    }
    if Self.isDigit(byte) { return CToken(kind: try number(column), column: column) }
    if byte == UInt8(ascii: "'") { return CToken(kind: try character(column), column: column) }
    for length in [2, 1] where position + length <= text.count {
      let candidate = String(decoding: text[position..<position + length], as: UTF8.self)
      if Self.punctuators.contains(candidate) {
        position += length
        return CToken(kind: .punctuator(candidate), column: column)
      }
    }
    throw CExpressionError(column: column, .expected("an operator, a name or a number"))
  }

  private static let punctuators: Set<String> = [
    "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "(", ")", "[", "]", ".", "*", "&", "+",
    "-", "~", "!", "/", "%", "<", ">", "^", "|", "?", ":", ",",
  ]

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// `$` begins names in GNU C.
  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
      || byte == UInt8(ascii: "$")
  }

  /// Compilers put a dot and a number behind the names of static variables in functions.
  private mutating func word() -> String {
    let start = position
    while let byte = current, Self.isLetter(byte) || Self.isDigit(byte) || isNumberedDot() {
      position += 1
    }
    return String(decoding: text[start..<position], as: UTF8.self)
  }

  private func isNumberedDot() -> Bool {
    text[position] == UInt8(ascii: ".") && position + 1 < text.count
      && Self.isDigit(text[position + 1])
  }

  /// Decimal, hexadecimal with `0x`, binary with `0b` or octal with `0`.
  private mutating func number(_ column: Int) throws(CExpressionError) -> CToken.Kind {
    let start = position
    while let byte = current, Self.isLetter(byte) || Self.isDigit(byte) { position += 1 }
    var digits = String(decoding: text[start..<position], as: UTF8.self).lowercased()[...]
    let suffix = Self.suffix(of: digits)
    digits = digits.dropLast(suffix.count)
    var radix = 10
    if digits.hasPrefix("0x") || digits.hasPrefix("0b") {
      radix = digits.hasPrefix("0x") ? 16 : 2
      digits = digits.dropFirst(2)
    } else if digits.hasPrefix("0"), digits.count > 1 {
      radix = 8
    }
    guard let value = UInt64(digits, radix: radix),
      ["", "u", "l", "ul", "lu", "ll", "ull", "llu"].contains(suffix)
    else { throw CExpressionError(column: column, .expected("a number of at most 64 bits")) }
    return .number(value, isUnsigned: suffix.contains("u"), isLong: suffix.contains("l"))
  }

  private static func suffix(of digits: Substring) -> String {
    String(digits.reversed().prefix { $0 == "u" || $0 == "l" }.reversed())
  }

  /// `'a'`, `'\n'`, `'\0'`.
  private mutating func character(_ column: Int) throws(CExpressionError) -> CToken.Kind {
    let rest = text[position...].prefix(4)
    if rest.count >= 3, rest[position + 1] != UInt8(ascii: "\\"),
      rest[position + 2] == UInt8(ascii: "'")
    {
      position += 3
      return .character(rest[rest.startIndex + 1])
    }
    let escapes: [UInt8: UInt8] = [
      UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13, UInt8(ascii: "0"): 0,
      UInt8(ascii: "\\"): 92, UInt8(ascii: "'"): 39,
    ]
    guard rest.count == 4, rest[position + 1] == UInt8(ascii: "\\"),
      rest[position + 3] == UInt8(ascii: "'"), let value = escapes[rest[position + 2]]
    else { throw CExpressionError(column: column, .expected("a character")) }
    position += 4
    return .character(value)
  }
}
