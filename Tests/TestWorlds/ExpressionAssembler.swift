/// The bytes of a DWARF expression written as text: operations separated by commas, operands by
/// spaces, names without `DW_OP_`.
///
///     consts -7, breg7 16, piece 4, entry_value (reg5), const_type 0x48 d1.5
///
/// A `()` operand is an expression of its own; `d1.5` and `f1.5` are a double's and a float's
/// bytes, `i-1:4` an integer's in 4 bytes. Codes and operands are those of DWARF 5, table 7.9, and
/// binutils' dwarf2.def. Gives nil for text that it doesn't understand.
public func assembleExpression(_ text: String, addressSize: Int = 8) -> [UInt8]? {
  var assembler = ByteAssembler()
  for operation in split(text, at: ",") {
    var words = split(operation, at: " ")
    if words.isEmpty { continue }
    let name = words.removeFirst()
    guard let (code, forms) = encoding(of: name), forms.count == words.count else { return nil }
    assembler.u8(code)
    for (form, word) in zip(forms, words) {
      guard append(word, form, addressSize, to: &assembler) else { return nil }
    }
  }
  return assembler.bytes
}

/// Splits outside parentheses, and drops the spaces around the parts.
private func split(_ text: String, at separator: Character) -> [String] {
  var parts = [""]
  var depth = 0
  for character in text {
    depth += character == "(" ? 1 : character == ")" ? -1 : 0
    if character == separator, depth == 0 {
      parts.append("")
    } else if character != " " || depth > 0 || !parts[parts.count - 1].isEmpty {
      parts[parts.count - 1].append(character)
    }
  }
  return parts.filter { !$0.isEmpty }
}

private func encoding(of name: String) -> (UInt8, String)? {
  for (prefix, base, forms) in [("lit", 0x30, ""), ("breg", 0x70, "s"), ("reg", 0x50, "")] {
    if name.hasPrefix(prefix), let number = UInt8(name.dropFirst(prefix.count)), number < 32 {
      return (UInt8(base) + number, forms)
    }
  }
  return operations[name]
}

private func append(
  _ word: String, _ form: Character, _ addressSize: Int, to assembler: inout ByteAssembler
) -> Bool {
  if form == "e" || form == "b" || form == "k" {
    let block =
      word.hasPrefix("(")
      ? assembleExpression(String(word.dropFirst().dropLast()), addressSize: addressSize)
      : literal(word)
    guard let block else { return false }
    if form == "k" { assembler.u8(UInt8(block.count)) } else { assembler.uleb(UInt64(block.count)) }
    assembler.append(block)
    return true
  }
  guard let number = integer(word) else { return false }
  switch form {
  case "1": assembler.u8(UInt8(truncatingIfNeeded: number))
  case "2": assembler.number(UInt16(truncatingIfNeeded: number))
  case "4": assembler.number(UInt32(truncatingIfNeeded: number))
  case "8": assembler.number(UInt64(truncatingIfNeeded: number))
  case "a":
    if addressSize == 4 {
      assembler.number(UInt32(truncatingIfNeeded: number))
    } else {
      assembler.number(UInt64(truncatingIfNeeded: number))
    }
  case "u": assembler.uleb(UInt64(truncatingIfNeeded: number))
  default: assembler.sleb(Int64(truncatingIfNeeded: number))
  }
  return true
}

private func integer(_ word: String) -> Int128? {
  if word.hasPrefix("0x") { return Int128(word.dropFirst(2), radix: 16) }
  return Int128(word)
}

/// The bytes of `d…`, `f…` or `i…:size`.
private func literal(_ word: String) -> [UInt8]? {
  switch word.first {
  case "d": return Double(word.dropFirst()).map { little($0.bitPattern) }
  case "f": return Float(word.dropFirst()).map { little($0.bitPattern) }
  default:
    let parts = word.dropFirst().split(separator: ":")
    guard parts.count == 2, let number = integer(String(parts[0])), let size = Int(parts[1]) else {
      return nil
    }
    return Array(little(number).prefix(size))
  }
}

/// Code and operands: 1, 2, 4, 8 bytes; a, address; u, ULEB128; s, SLEB128; e, expression; b, block;
/// k, block with a one-byte length.
private let operations: [String: (UInt8, String)] = [
  "addr": (0x03, "a"), "deref": (0x06, ""), "const1u": (0x08, "1"), "const1s": (0x09, "1"),
  "const2u": (0x0a, "2"), "const2s": (0x0b, "2"), "const4u": (0x0c, "4"), "const4s": (0x0d, "4"),
  "const8u": (0x0e, "8"), "const8s": (0x0f, "8"), "constu": (0x10, "u"), "consts": (0x11, "s"),
  "dup": (0x12, ""), "drop": (0x13, ""), "over": (0x14, ""), "pick": (0x15, "1"),
  "swap": (0x16, ""), "rot": (0x17, ""), "xderef": (0x18, ""), "abs": (0x19, ""),
  "and": (0x1a, ""), "div": (0x1b, ""), "minus": (0x1c, ""), "mod": (0x1d, ""),
  "mul": (0x1e, ""), "neg": (0x1f, ""), "not": (0x20, ""), "or": (0x21, ""),
  "plus": (0x22, ""), "plus_uconst": (0x23, "u"), "shl": (0x24, ""), "shr": (0x25, ""),
  "shra": (0x26, ""), "xor": (0x27, ""), "bra": (0x28, "2"), "eq": (0x29, ""),
  "ge": (0x2a, ""), "gt": (0x2b, ""), "le": (0x2c, ""), "lt": (0x2d, ""), "ne": (0x2e, ""),
  "skip": (0x2f, "2"), "regx": (0x90, "u"), "fbreg": (0x91, "s"), "bregx": (0x92, "us"),
  "piece": (0x93, "u"), "deref_size": (0x94, "1"), "xderef_size": (0x95, "1"),
  "nop": (0x96, ""), "push_object_address": (0x97, ""), "call2": (0x98, "2"),
  "call4": (0x99, "4"), "call_ref": (0x9a, "4"), "form_tls_address": (0x9b, ""),
  "call_frame_cfa": (0x9c, ""), "bit_piece": (0x9d, "uu"), "implicit_value": (0x9e, "b"),
  "stack_value": (0x9f, ""), "implicit_pointer": (0xa0, "4s"), "addrx": (0xa1, "u"),
  "constx": (0xa2, "u"), "entry_value": (0xa3, "e"), "const_type": (0xa4, "uk"),
  "regval_type": (0xa5, "uu"), "deref_type": (0xa6, "1u"), "xderef_type": (0xa7, "1u"),
  "convert": (0xa8, "u"), "reinterpret": (0xa9, "u"), "GNU_push_tls_address": (0xe0, ""),
  "GNU_uninit": (0xf0, ""), "GNU_encoded_addr": (0xf1, "1a"),
  "GNU_implicit_pointer": (0xf2, "4s"), "GNU_entry_value": (0xf3, "e"),
  "GNU_const_type": (0xf4, "uk"), "GNU_regval_type": (0xf5, "uu"),
  "GNU_deref_type": (0xf6, "1u"), "GNU_convert": (0xf7, "u"), "GNU_reinterpret": (0xf9, "u"),
  "GNU_parameter_ref": (0xfa, "4"), "GNU_addr_index": (0xfb, "u"),
  "GNU_const_index": (0xfc, "u"), "GNU_variable_value": (0xfd, "4"),
]
