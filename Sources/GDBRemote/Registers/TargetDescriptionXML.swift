extension TargetDescription {
  /// The description as clients read it (gdb manual, "Target Description Format"); lldb's additional
  /// attributes are passed over by gdb.
  public var xml: String {
    var text = """
      <?xml version="1.0"?>
      <!DOCTYPE target SYSTEM "gdb-target.dtd">
      <target version="1.0">
      <architecture>\(xmlText(architecture))</architecture>

      """
    var number = 0
    for feature in features {
      text += "<feature name=\"\(xmlText(feature.name))\">\n"
      for type in feature.types { text += type.xml }
      for register in feature.registers {
        text += register.xml(number: number, offset: offsets[number])
        number += 1
      }
      text += "</feature>\n"
    }
    return text + "</target>\n"
  }
}

extension TargetDescription.Register {
  fileprivate func xml(number: Int, offset: Int) -> String {
    var text = """
      <reg name="\(xmlText(name))" bitsize="\(bits)" type="\(xmlText(type))" \
      regnum="\(number)" offset="\(offset)"
      """
    if let group { text += " group=\"\(xmlText(group))\"" }
    if let dwarf { text += " dwarf_regnum=\"\(dwarf)\" ehframe_regnum=\"\(dwarf)\"" }
    if let role { text += " generic=\"\(xmlText(role))\"" }
    return text + "/>\n"
  }
}

extension TargetDescription.TypeDefinition {
  fileprivate var xml: String {
    switch self {
    case .flags(let id, let size, let fields):
      "<flags id=\"\(xmlText(id))\" size=\"\(size)\">\n"
        + fields.map {
          "<field name=\"\(xmlText($0.name))\" start=\"\($0.low)\" end=\"\($0.high)\"/>\n"
        }.joined() + "</flags>\n"
    case .vector128(let id):
      Self.vectors.map {
        "<vector id=\"\($0.id)\" type=\"\($0.element)\" count=\"\($0.count)\"/>\n"
      }.joined() + "<union id=\"\(xmlText(id))\">\n"
        + Self.vectors.map { "<field name=\"\($0.field)\" type=\"\($0.id)\"/>\n" }.joined()
        + "<field name=\"uint128\" type=\"uint128\"/>\n</union>\n"
    }
  }

  /// The fields by the names that gdb gives those of its own vector registers.
  private static let vectors: [(id: String, element: String, count: Int, field: String)] = [
    ("v4f", "ieee_single", 4, "v4_float"),
    ("v2d", "ieee_double", 2, "v2_double"),
    ("v16i8", "int8", 16, "v16_int8"),
    ("v8i16", "int16", 8, "v8_int16"),
    ("v4i32", "int32", 4, "v4_int32"),
    ("v2i64", "int64", 2, "v2_int64"),
  ]
}

/// `text` with what has a meaning in XML written as entities; what XML can't hold at all becomes `?`.
func xmlText(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "\u{0}"..."\u{1f}", "\u{7f}", "\u{fffe}", "\u{ffff}": result += "?"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
