/// What `bpftool btf dump … format raw` prints, type by type.
public struct BpftoolDump: Sendable {
  public struct Entry: Sendable {
    public let id: UInt64
    /// `STRUCT`, `FUNC_PROTO`, …
    public let kind: Substring
    /// Empty for one without a name.
    public let name: Substring
    /// `size`, `type_id`, … as printed.
    public let fields: [Substring: Substring]
    public var elements: [Element] = []
  }

  /// A member, enumerator or parameter.
  public struct Element: Sendable {
    public let name: Substring
    public let fields: [Substring: Substring]
  }

  public private(set) var entries: [Entry] = []

  public init(_ text: String) {
    for line in text.split(separator: "\n") {
      if line.hasPrefix("["), let close = line.firstIndex(of: "]"),
        let id = UInt64(line[line.index(after: line.startIndex)..<close])
      {
        let rest = line[close...].dropFirst(2)
        let kind = rest.prefix { $0 != " " }
        let (name, fields) = Self.parts(rest.dropFirst(kind.count + 1))
        entries.append(Entry(id: id, kind: kind, name: name, fields: fields))
      } else if line.hasPrefix("\t'"), !entries.isEmpty {
        let (name, fields) = Self.parts(line.dropFirst())
        entries[entries.count - 1].elements.append(Element(name: name, fields: fields))
      }
    }
  }

  /// `'name' key=value key=value`.
  private static func parts(_ text: Substring) -> (Substring, [Substring: Substring]) {
    guard let end = text.dropFirst().firstIndex(of: "'") else { return ("", [:]) }
    let name = text[text.index(after: text.startIndex)..<end]
    var fields: [Substring: Substring] = [:]
    for field in text[end...].dropFirst().split(separator: " ") {
      guard let equals = field.firstIndex(of: "=") else { continue }
      fields[field[..<equals]] = field[field.index(after: equals)...]
    }
    return (name == "(anon)" ? "" : name, fields)
  }
}
