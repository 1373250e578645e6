/// Prints characters and strings of one width as gdb does: in quotes, what can't be printed escaped
/// in octal or, past `\777`, in hexadecimal.
struct CharacterText {
  /// Bytes of one code unit: 1, 2 or 4. More than one is UTF-16 or UTF-32.
  let width: Int
  /// Whether printable characters beyond ASCII stand for themselves.
  let showsUnicode: Bool
  let elementLimit: Int
  let repeatThreshold: Int

  /// One character of a string, or code units that make none.
  private struct Element: Equatable {
    enum Kind: Equatable {
      case character(Unicode.Scalar)
      case invalid
      /// The string ends within a multi-byte character.
      case incomplete
    }
    let kind: Kind
    let bytes: ArraySlice<UInt8>
  }

  /// A string literal of the code units in `bytes`; `isCut` if the string goes on behind them.
  ///
  /// Long runs of one character are taken out: `"ab", '\000' <repeats 14 times>`.
  func literal(_ bytes: [UInt8], isCut: Bool = false) -> String {
    var text = ""
    var isQuoting = false
    var mustEscape = false
    var rest = bytes[...]
    var shown = 0

    func begin(quoted: Bool) {
      if isQuoting, !quoted { text += "\"" }
      if !text.isEmpty, !(isQuoting && quoted) { text += ", " }
      if quoted, !isQuoting {
        text += "\""
        mustEscape = false
      }
      isQuoting = quoted
    }

    while shown < elementLimit, !rest.isEmpty {
      let element = decode(rest)
      let count = runLength(of: element, in: rest)
      rest = rest.dropFirst(element.bytes.count * count)
      shown += count
      if element.kind == .incomplete {
        begin(quoted: false)
        text += "<incomplete sequence " + element.bytes.map(Self.octal).joined() + ">"
      } else if count > repeatThreshold {
        begin(quoted: false)
        mustEscape = false
        let character = self.text(element, quote: "\"", &mustEscape)
        text += "'\(character)' <repeats \(count) times>"
      } else {
        begin(quoted: true)
        for _ in 0..<count { text += self.text(element, quote: "\"", &mustEscape) }
      }
    }
    if isQuoting { text += "\"" }
    if text.isEmpty { text = "\"\"" }
    return isCut || !rest.isEmpty ? text + "..." : text
  }

  /// A character literal of one code unit.
  func character(_ bytes: [UInt8]) -> String {
    var mustEscape = false
    let element = decode(bytes[...])
    let whole = element.kind == .incomplete ? Element(kind: .invalid, bytes: bytes[...]) : element
    return "'" + text(whole, quote: "'", &mustEscape) + "'"
  }

  private func runLength(of element: Element, in bytes: ArraySlice<UInt8>) -> Int {
    var count = 1
    var rest = bytes.dropFirst(element.bytes.count)
    // Equal elements are equal bytes: a character's encoding never begins another's.
    while rest.starts(with: element.bytes) {
      count += 1
      rest = rest.dropFirst(element.bytes.count)
    }
    return count
  }

  /// `element` within quotes of the kind `quote`.
  ///
  /// `mustEscape` is carried from one to the next: a hexadecimal escape would swallow a digit that
  /// follows, so that is escaped as well.
  private func text(
    _ element: Element, quote: Unicode.Scalar, _ mustEscape: inout Bool
  ) -> String {
    if case .character(let scalar) = element.kind {
      if let escape = Self.shortEscape(scalar) {
        mustEscape = false
        return escape
      }
      let isSafe = !(mustEscape && scalar.properties.isASCIIHexDigit)
      if isPrintable(scalar), isSafe {
        mustEscape = false
        return (scalar == quote || scalar == "\\" ? "\\" : "") + String(scalar)
      }
    }
    mustEscape = false
    var text = ""
    var rest = element.bytes
    while !rest.isEmpty {
      let unit = rest.prefix(width).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      rest = rest.dropFirst(width)
      if unit > 0o777 {
        text += "\\x" + String(unit, radix: 16)
        mustEscape = true
      } else {
        text += Self.octal(unit)
        mustEscape = false
      }
    }
    return text
  }

  private static func octal(_ unit: some BinaryInteger) -> String {
    let digits = String(unit, radix: 8)
    return "\\" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }

  private static func shortEscape(_ scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "\u{07}": "\\a"
    case "\u{08}": "\\b"
    case "\u{0c}": "\\f"
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case "\u{0b}": "\\v"
    default: nil
    }
  }

  private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7f }
    guard showsUnicode else { return false }
    switch scalar.properties.generalCategory {
    case .control, .unassigned, .surrogate, .lineSeparator, .paragraphSeparator: return false
    default: return true
    }
  }

  // MARK: Decoding

  private func decode(_ bytes: ArraySlice<UInt8>) -> Element {
    switch width {
    case 1: decodeUTF8(bytes)
    case 2: decodeUTF16(bytes)
    default: decodeUTF32(bytes)
    }
  }

  /// UTF-8 as RFC 3629 has it; without `showsUnicode`, ASCII.
  private func decodeUTF8(_ bytes: ArraySlice<UInt8>) -> Element {
    let first = bytes[bytes.startIndex]
    let invalid = Element(kind: .invalid, bytes: bytes.prefix(1))
    if first < 0x80 {
      return Element(kind: .character(Unicode.Scalar(first)), bytes: bytes.prefix(1))
    }
    guard showsUnicode else { return invalid }
    let count: Int
    switch first {
    case 0xc2...0xdf: count = 2
    case 0xe0...0xef: count = 3
    case 0xf0...0xf4: count = 4
    default: return invalid
    }
    let sequence = bytes.prefix(count)
    guard sequence.dropFirst().allSatisfy({ $0 & 0xc0 == 0x80 }) else { return invalid }
    guard sequence.count == count else { return Element(kind: .incomplete, bytes: sequence) }
    let value = sequence.dropFirst().reduce(UInt32(first) & (0x7f >> UInt32(count))) {
      $0 << 6 | UInt32($1 & 0x3f)
    }
    let smallest: UInt32 = count == 2 ? 0x80 : count == 3 ? 0x800 : 0x10000
    guard value >= smallest, let scalar = Unicode.Scalar(value) else { return invalid }
    return Element(kind: .character(scalar), bytes: sequence)
  }

  private func decodeUTF16(_ bytes: ArraySlice<UInt8>) -> Element {
    func unit(_ bytes: ArraySlice<UInt8>) -> UInt32? {
      guard bytes.count >= 2 else { return nil }
      return UInt32(bytes[bytes.startIndex]) | UInt32(bytes[bytes.startIndex + 1]) << 8
    }
    guard let high = unit(bytes) else { return Element(kind: .incomplete, bytes: bytes) }
    if let scalar = Unicode.Scalar(high) {
      return Element(kind: .character(scalar), bytes: bytes.prefix(2))
    }
    if high < 0xdc00, let low = unit(bytes.dropFirst(2)), low & 0xfc00 == 0xdc00,
      let scalar = Unicode.Scalar(0x10000 + (high & 0x3ff) << 10 + (low & 0x3ff))
    {
      return Element(kind: .character(scalar), bytes: bytes.prefix(4))
    }
    return Element(kind: .invalid, bytes: bytes.prefix(2))
  }

  private func decodeUTF32(_ bytes: ArraySlice<UInt8>) -> Element {
    guard bytes.count >= 4 else { return Element(kind: .incomplete, bytes: bytes) }
    let unit = bytes.prefix(4)
    let value = unit.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard let scalar = Unicode.Scalar(value) else { return Element(kind: .invalid, bytes: unit) }
    return Element(kind: .character(scalar), bytes: unit)
  }
}
