/// C++ names in the form that gdb and demanglers give them: GCC writes
/// `pair<const long int, char*>` for what they write `pair<long const, char*>`.
enum CanonicalName {
  private static let depthLimit = 64
  /// Longer names stay as they are.
  private static let lengthLimit = 65536

  /// `name` with its template arguments rewritten.
  static func of(_ name: String) -> String {
    // gdb gives up on names of closures; operators would be mistaken for brackets.
    guard name.utf8.contains(UInt8(ascii: "<")), name.utf8.count <= lengthLimit,
      !name.contains("<lambda"), !name.contains("{"), !name.contains("operator")
    else { return name }
    return String(decoding: rewritten(name.utf8.prefix { _ in true }, depth: 0), as: UTF8.self)
  }

  /// Rewrites what stands between each pair of angle brackets.
  private static func rewritten(_ name: Substring.UTF8View, depth: Int) -> [UInt8] {
    guard depth < depthLimit else { return Array(name) }
    var result: [UInt8] = []
    var rest = name
    while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
      guard let close = matchingBracket(rest, open) else { break }
      result += rest[...open]
      let inside = rest[rest.index(after: open)..<close]
      let arguments = split(inside).map { argument($0, depth: depth + 1) }
      result += arguments.joined(separator: Array(", ".utf8))
      // Brackets that end together are kept apart.
      if result.last == UInt8(ascii: ">") { result.append(UInt8(ascii: " ")) }
      result.append(UInt8(ascii: ">"))
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  private static func matchingBracket(
    _ text: Substring.UTF8View, _ open: String.Index
  ) -> String.Index? {
    var depth = 0
    for index in text[open...].indices {
      if text[index] == UInt8(ascii: "<") { depth += 1 }
      if text[index] == UInt8(ascii: ">") { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  /// The parts between commas that stand inside no bracket.
  private static func split(_ text: Substring.UTF8View) -> [Substring.UTF8View] {
    var parts: [Substring.UTF8View] = []
    var start = text.startIndex
    var depth = 0
    for index in text.indices {
      switch text[index] {
      case UInt8(ascii: "<"), UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: ">"), UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: ",") where depth == 0:
        parts.append(text[start..<index])
        start = text.index(after: index)
      default: break
      }
    }
    parts.append(text[start...])
    return parts
  }

  /// One argument: qualifiers go behind the type's name, and integer types get their usual names.
  private static func argument(_ text: Substring.UTF8View, depth: Int) -> [UInt8] {
    var rest = text.drop { $0 == UInt8(ascii: " ") }
    var qualifiers: [UInt8] = []
    for word in ["const ", "volatile "] where rest.starts(with: word.utf8) {
      rest = rest.dropFirst(word.utf8.count)
      qualifiers += Array((" " + word.dropLast()).utf8)
    }
    // The name reaches to the first `*`, `&`, `(` or `[` outside of brackets.
    var end = rest.startIndex
    var nesting = 0
    while end < rest.endIndex {
      let byte = rest[end]
      if byte == UInt8(ascii: "<") { nesting += 1 }
      if byte == UInt8(ascii: ">") { nesting -= 1 }
      if nesting == 0, "*&([".utf8.contains(byte), end != rest.startIndex { break }
      end = rest.index(after: end)
    }
    var name = rewritten(rest[..<end], depth: depth)
    let spaces = name.reversed().prefix { $0 == UInt8(ascii: " ") }.count
    name.removeLast(spaces)
    // GCC itself has some of them behind the name.
    for word in [" volatile", " const"] where name.suffix(word.utf8.count).elementsEqual(word.utf8)
    {
      name.removeLast(word.utf8.count)
      qualifiers = Array(word.utf8) + qualifiers
    }
    let usual = Array(TypePrinter.baseName(String(decoding: name, as: UTF8.self)).utf8)
    return usual + qualifiers + Array(repeating: UInt8(ascii: " "), count: spaces) + rest[end...]
  }
}
