import Bytes

/// Which kind of characters an integer type stands for in strings.
struct TextKind {
  /// `L`, `u`, `U` or nothing.
  let prefix: String
  /// Bytes of one code unit.
  let width: Int
}

/// The type names that C uses for wide characters.
enum TextualName {
  static func isWide(_ name: String) -> Bool { prefix(name) != nil }

  static func prefix(_ name: String) -> String? {
    switch name {
    case "wchar_t": "L"
    case "char16_t": "u"
    case "char32_t": "U"
    default: nil
    }
  }
}

extension ValuePrinter {
  /// How `type` is printed in strings; nil unless it is a character type.
  func textKind(_ type: TypeID?) throws(ValueError) -> TextKind? {
    var prefix: String?
    var current = type
    for _ in 0..<TypeReference.depthLimit {
      guard let id = current else { return nil }
      let node: TypeNode
      do throws(SymbolError) { node = try graph.node(id) } catch { throw .symbol(error) }
      switch node {
      case .qualified(_, let target): current = target
      case .typedef(let name, let target):
        prefix = prefix ?? TextualName.prefix(name)
        current = target
      case .base(let name, let encoding, let size):
        prefix = prefix ?? TextualName.prefix(name)
        switch encoding {
        case .signedCharacter, .unsignedCharacter, .utf: prefix = prefix ?? ""
        // Any integer of one byte counts, such as C++'s `char8_t`.
        case .signed, .unsigned: if size == 1 { prefix = prefix ?? "" }
        default: return nil
        }
        guard let prefix, size == 1 || size == 2 || size == 4 else { return nil }
        return TextKind(prefix: prefix, width: Int(size))
      default: return nil
      }
    }
    return nil
  }

  func characterText(width: Int) -> CharacterText {
    CharacterText(
      width: width, showsUnicode: options.showsUnicode,
      elementLimit: options.elementLimit ?? .max, repeatThreshold: options.repeatThreshold)
  }

  /// Prints a value that isn't made of others. `bitSize` is a bit field's; `isElementOfVector`
  /// makes characters numbers.
  mutating func printScalar(
    _ type: TypeID?, _ node: TypeNode, _ slice: ValueSlice, bitSize: UInt64? = nil,
    isElementOfVector: Bool = false
  ) throws(ValueError) {
    if case .function = node { return try printFunction(type, slice) }
    let size = try size(type)
    let bits = bitSize ?? size.multipliedClamped(by: 8)
    if let reason = slice.missing(bits) {
      text += Self.text(reason)
      return
    }
    switch node {
    case .base(let name, let encoding, _):
      if !isElementOfVector, let kind = try textKind(type) {
        printCharacter(kind, encoding, slice, bits: bits)
      } else {
        printBase(name, encoding, slice, bits: bits)
      }
    case .enumeration(let enumeration): printEnumeration(enumeration, slice, bits: bits)
    case .pointer(let target, _): try printPointer(to: target, slice, bits: bits)
    case .memberPointer(let target, let owner, _):
      try printMemberPointer(type, to: target, of: owner, slice, bits: bits)
    // gdb has no way to print a `decltype(nullptr)`, and says so in these words.
    case .unspecified: throw .location("Attempt to dereference a generic pointer.")
    default: text += "<error type>"
    }
  }

  /// `97 'a'`.
  private mutating func printCharacter(
    _ kind: TextKind, _ encoding: BaseEncoding, _ slice: ValueSlice, bits: UInt64
  ) {
    guard let code = slice.unsigned(bits) else { return }
    let isSigned = encoding == .signedCharacter || encoding == .signed
    let number = isSigned ? (slice.signed(bits) ?? 0) : Int128(code)
    // A bit field's sign fills the whole code unit.
    let unit = (0..<kind.width).map { UInt8(truncatingIfNeeded: number >> Int128(8 * $0)) }
    text += "\(number) \(kind.prefix)" + characterText(width: kind.width).character(unit)
  }

  private mutating func printBase(
    _ name: String, _ encoding: BaseEncoding, _ slice: ValueSlice, bits: UInt64
  ) {
    switch encoding {
    case .float:
      printFloat(name, slice, bits: bits)
    case .complexFloat:
      printFloat(name, slice, bits: bits / 2)
      text += " + "
      if let imaginary = slice.advanced(byBits: bits / 2) {
        printFloat(name, imaginary, bits: bits / 2)
      }
      text += "i"
    case .boolean:
      let value = slice.unsigned(min(bits, 128)) ?? 0
      text += value == 0 ? "false" : value == 1 ? "true" : "\(value)"
    case .signed, .signedCharacter:
      if let value = slice.signed(bits) { text += "\(value)" } else { printRaw(slice, bits: bits) }
    case .unsigned, .unsignedCharacter, .utf, .address, .other:
      if let value = slice.unsigned(bits) {
        text += "\(value)"
      } else {
        printRaw(slice, bits: bits)
      }
    }
  }

  /// A number wider than any that C has.
  private mutating func printRaw(_ slice: ValueSlice, bits: UInt64) {
    let bytes = slice.bytes(bits / 8) ?? []
    text +=
      "0x"
      + bytes.reversed().map { paddedHex($0, digits: 2) }.joined()
  }

  private mutating func printFloat(_ name: String, _ slice: ValueSlice, bits: UInt64) {
    guard let format = floatFormat(name, bytes: bits / 8), let number = slice.unsigned(bits) else {
      return printRaw(slice, bits: bits)
    }
    text += format.text(number)
  }

  private func floatFormat(_ name: String, bytes: UInt64) -> FloatFormat? {
    switch bytes {
    case 2: name == "__bf16" ? .brain : .half
    case 4: .single
    case 8: .double
    case 10, 12: .x87
    case 16:
      // Two types of one size: only the name tells them apart.
      if options.longDoubleIsQuadruple || name.contains("Float128") || name == "__float128" {
        .quadruple
      } else {
        .x87
      }
    default: nil
    }
  }

  // MARK: Enumerations

  /// An enumerator's name; if all enumerators are single bits or 0, a combination of them,
  /// `(A | B)`; else the number.
  private mutating func printEnumeration(
    _ enumeration: EnumerationNode, _ slice: ValueSlice, bits: UInt64
  ) {
    guard bits <= 64, let value = enumerationValue(enumeration, slice, bits: bits) else {
      return printRaw(slice, bits: bits)
    }
    if let match = enumeration.enumerators.first(where: { $0.value == value }) {
      text += enumeratorScope(enumeration) + match.name
      return
    }
    let isFlags = enumeration.enumerators.allSatisfy {
      $0.value >= 0 && $0.value.nonzeroBitCount < 2
    }
    guard isFlags else {
      text += "\(value)"
      return
    }
    var rest = UInt64(bitPattern: value)
    var parts: [String] = []
    for (name, flag) in enumeration.enumerators where rest & UInt64(flag) != 0 {
      parts.append(enumeratorScope(enumeration) + name)
      rest &= ~UInt64(flag)
    }
    if rest != 0 { parts.append("unknown: 0x" + String(rest, radix: 16)) }
    text += parts.isEmpty ? "0" : "(" + parts.joined(separator: " | ") + ")"
  }

  /// What C++ puts before an enumerator's name: `Enum::` if that is scoped, and the scopes around.
  private func enumeratorScope(_ enumeration: EnumerationNode) -> String {
    guard formatter.language == .cPlusPlus, let name = enumeration.name else { return "" }
    return enumeration.isScoped ? name + "::" : Self.scope(ofName: name)
  }

  /// `ns::Class<a::b>::` of `ns::Class<a::b>::name`.
  private static func scope(ofName name: String) -> String {
    let bytes = Array(name.utf8)
    var nesting = 0
    for index in bytes.indices.reversed() {
      switch bytes[index] {
      case UInt8(ascii: ">"), UInt8(ascii: ")"): nesting += 1
      case UInt8(ascii: "<"), UInt8(ascii: "("): nesting -= 1
      case UInt8(ascii: ":") where nesting == 0:
        return String(decoding: bytes[...index], as: UTF8.self)
      default: break
      }
    }
    return ""
  }

  private func enumerationValue(
    _ enumeration: EnumerationNode, _ slice: ValueSlice, bits: UInt64
  ) -> Int64? {
    if enumeration.isSigned { return slice.signed(bits).map { Int64(truncatingIfNeeded: $0) } }
    return slice.unsigned(bits).map { Int64(truncatingIfNeeded: $0) }
  }
}
