/// A type's name taken apart, as C spells it.
struct TypeName {
  enum Tag {
    case none, structure, union, enumeration

    /// Whether entries of this kind are named so.
    func accepts(_ kind: BTFKind) -> Bool {
      switch self {
      case .none: kind == .integer || kind == .float || kind == .typedef
      case .structure: kind == .structure || kind == .forward
      case .union: kind == .union || kind == .forward
      case .enumeration: kind == .enumeration || kind == .enumeration64
      }
    }
  }

  let tag: Tag
  /// Integers in GCC's words, which debug information uses: `long unsigned int`.
  let name: String

  init(_ text: String) {
    let words = text.split(whereSeparator: \.isWhitespace)
    switch words.first {
    case "struct": tag = .structure
    case "union": tag = .union
    case "enum": tag = .enumeration
    default: tag = .none
    }
    guard tag == .none else {
      name = words.dropFirst().joined(separator: " ")
      return
    }
    name = Self.integer(words.map(String.init)) ?? words.joined(separator: " ")
  }

  /// `long unsigned int` for `unsigned long` and whatever else C calls it; nil if the words aren't
  /// those of an integer.
  static func integer(_ words: [String]) -> String? {
    var count: [String: Int] = [:]
    for word in words {
      guard ["unsigned", "signed", "short", "long", "int", "char"].contains(word) else {
        return nil
      }
      count[word, default: 0] += 1
    }
    guard !words.isEmpty else { return nil }
    let isUnsigned = count["unsigned"] != nil
    if count["char"] != nil {
      return isUnsigned ? "unsigned char" : count["signed"] != nil ? "signed char" : "char"
    }
    let suffix = isUnsigned ? "unsigned int" : "int"
    if count["short"] != nil { return "short " + suffix }
    switch count["long"] {
    case nil: return suffix
    case 1: return "long " + suffix
    default: return "long long " + suffix
    }
  }
}
