extension TypeLayoutReport {
  /// C declarations with offset and size behind each member, as pahole prints them.
  public func text(_ style: TextStyle) -> String {
    let isAmbiguous = types.count > 1 || types.contains { $0.source != "vmlinux" }
    return types.map { type in
      var lines = isAmbiguous ? [style.paint("/* \(type.source) */", .faint)] : []
      lines += TypeLayoutText(style).lines(type)
      return lines.joined(separator: "\n")
    }.joined(separator: "\n\n")
  }
}

/// Prints one type.
private struct TypeLayoutText {
  let style: TextStyle
  /// Where the offsets stand.
  private static let column = 52
  private static let cacheLine: UInt64 = 64

  init(_ style: TextStyle) { self.style = style }

  func lines(_ type: TypeLayoutReport.Layout) -> [String] {
    if type.isDeclaration == true {
      return [TextStyle.visible(type.name) + ";  " + comment("only declared")]
    }
    if let body = type.body {
      let opening = type.kind == "typedef" ? "typedef \(body.kind)" : type.name
      let closing = type.kind == "typedef" ? "} \(type.name);" : "};"
      return [style.paint(opening, .function) + " {"] + lines(body, depth: 1)
        + summary(body, type.size ?? 0).map { "    " + comment($0) }
        + [TextStyle.visible(closing)]
    }
    if let enumerators = type.enumerators {
      let opening = type.kind == "typedef" ? "typedef enum" : type.name
      let closing = type.kind == "typedef" ? "} \(type.name);" : "};"
      let width = enumerators.map(\.name.count).max() ?? 0
      return [style.paint(opening, .function) + " {"]
        + enumerators.map {
          "    " + style.paint($0.name.padding(to: min(width, 40)), .variable) + " = \($0.value),"
        } + ["    " + comment("size: \(type.size ?? 0)"), TextStyle.visible(closing)]
    }
    let size = type.size.map { "  " + comment("size: \($0)") } ?? ""
    return [TextStyle.visible(type.declaration ?? type.name) + ";" + size]
  }

  private func comment(_ text: String) -> String { style.paint("/* \(text) */", .faint) }

  // MARK: Members

  private func lines(_ body: TypeLayoutReport.Body, depth: Int) -> [String] {
    let indent = String(repeating: "    ", count: depth)
    var lines: [String] = []
    var holes = body.holes.filter { !$0.isPadding }[...]
    for member in body.members {
      let start = member.offset * 8 + (member.bitOffset ?? 0)
      while let hole = holes.first, hole.bitOffset < start {
        lines.append(indent + comment("\(Self.bits(hole.bitSize)) hole"))
        holes = holes.dropFirst()
      }
      if let inner = member.body {
        lines.append(indent + inner.kind + " {")
        lines += self.lines(inner, depth: depth + 1)
        lines.append(withPlace(indent + "};", member))
      } else {
        lines.append(withPlace(indent + member.declaration + ";", member))
      }
    }
    return lines
  }

  /// `pid_t pid;      /*  1320     4 */`
  private func withPlace(_ text: String, _ member: TypeLayoutReport.Member) -> String {
    var place = Self.right(member.offset, 6)
    place += member.bitOffset.map { ":" + Self.right($0, 2) } ?? "   "
    place += " " + Self.right(member.size ?? 0, 5)
    return TextStyle.visible(text.padding(to: Self.column)) + " " + comment(place)
  }

  private static func right(_ number: UInt64, _ width: Int) -> String {
    let digits = "\(number)"
    return String(repeating: " ", count: max(0, width - digits.count)) + digits
  }

  private static func bits(_ count: UInt64) -> String {
    count % 8 == 0 ? "\(count / 8) byte\(count == 8 ? "" : "s")" : "\(count) bits"
  }

  private func summary(_ body: TypeLayoutReport.Body, _ size: UInt64) -> [String] {
    let lines = size / Self.cacheLine + (size % Self.cacheLine == 0 ? 0 : 1)
    var text = ["size: \(size), cachelines: \(lines), members: \(body.members.count)"]
    let holes = body.holes.filter { !$0.isPadding }
    if !holes.isEmpty {
      let total = holes.reduce(0) { $0 &+ $1.bitSize }
      text.append("holes: \(holes.count), sum holes: \(Self.bits(total))")
    }
    if let padding = body.holes.last, padding.isPadding {
      text.append("padding: \(Self.bits(padding.bitSize))")
    }
    return text
  }
}
