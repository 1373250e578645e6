/// Colours for a terminal, with the same meaning as gdb's default styles; or none at all.
public struct TextStyle: Hashable, Sendable {
  /// Whether escape sequences are written.
  public let isColored: Bool

  public init(isColored: Bool) { self.isColored = isColored }

  /// Text without any escape sequence.
  public static let plain = TextStyle(isColored: false)

  /// What a piece of text names.
  public enum Role: Hashable, Sendable {
    case address, function, file, variable, heading, warning, faint
  }

  /// `text` in the colour of its role. Control characters in it (a dump's strings are hostile) are
  /// made visible first.
  public func paint(_ text: String, _ role: Role) -> String {
    let safe = Self.visible(text)
    guard isColored, !safe.isEmpty else { return safe }
    return "\u{1b}[\(Self.code(of: role))m\(safe)\u{1b}[0m"
  }

  /// SGR parameters (ECMA-48, section 8.3.117).
  private static func code(of role: Role) -> String {
    switch role {
    case .address: "34"
    case .function: "33"
    case .file: "32"
    case .variable: "36"
    case .heading: "1"
    case .warning: "31"
    case .faint: "2"
    }
  }

  /// `text` with each control character as `\x1b` and the like, so that a name from a dump can't
  /// steer the terminal it is printed on.
  public static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        let digits = String(scalar.value, radix: 16)
        result += "\\x" + (digits.count < 2 ? "0" : "") + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// C0 and C1 controls, DEL, and the marks that reorder text.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x202a...0x202e, 0x2066...0x2069: true
    default: false
    }
  }
}
