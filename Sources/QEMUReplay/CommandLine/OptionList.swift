/// The value of an option as QEMU writes lists: `first,key=value,…`, where `,,` stands for a comma.
/// Source: QEMU util/qemu-option.c (opts_parse) and util/keyval.c.
public struct OptionList: Hashable, Sendable {
  /// A member; `key` is nil where the first is only a value, which the option's first key is implied of,
  /// or where a flag is meant (`,readonly`, `,server`).
  public struct Member: Hashable, Sendable {
    public var key: String?
    public var value: String
  }

  public var members: [Member]

  public init(_ text: String) {
    members = Self.parts(text).map { part in
      guard let equals = part.firstIndex(of: "=") else { return Member(key: nil, value: part) }
      return Member(key: String(part[..<equals]), value: String(part[part.index(after: equals)...]))
    }
  }

  public init(members: [Member] = []) { self.members = members }

  /// Cuts at commas that aren't doubled.
  private static func parts(_ text: String) -> [String] {
    var parts: [String] = []
    var part = ""
    var rest = text[...]
    while let character = rest.popFirst() {
      if character != "," {
        part.append(character)
      } else if rest.first == "," {
        rest.removeFirst()
        part.append(",")
      } else {
        parts.append(part)
        part = ""
      }
    }
    parts.append(part)
    return parts
  }

  /// The value of `key`, the last if there are several, as QEMU takes it; of the implied first one if
  /// that is `implied`.
  public func value(_ key: String, implied: Bool = false) -> String? {
    if let member = members.last(where: { $0.key == key }) { return member.value }
    guard implied, let first = members.first, first.key == nil else { return nil }
    return first.value
  }

  /// Whether the flag `key` is on: `key`, `key=on`, `key=yes`; nil if it isn't there.
  public func flag(_ key: String) -> Bool? {
    let last = members.last {
      $0.key == key || ($0.key == nil && ($0.value == key || $0.value == "no\(key)"))
    }
    guard let last else { return nil }
    if last.key == nil { return last.value == key }
    return ["on", "yes", "true", "y"].contains(last.value)
  }

  /// The list without `keys`, as keys or flags.
  public func removing(_ keys: Set<String>) -> OptionList {
    OptionList(members: members.filter { !keys.contains($0.key ?? $0.value) })
  }

  /// The list with `key=value` in the place of what `key` was, else at the end.
  public func setting(_ key: String, to value: String) -> OptionList {
    var result = self
    if let index = members.lastIndex(where: { $0.key == key }) {
      result.members[index].value = value
    } else {
      result.members.append(Member(key: key, value: value))
    }
    return result
  }

  /// As it is written on a command line.
  public var text: String {
    members.map { member in
      let value = member.value.replacing(",", with: ",,")
      return member.key.map { "\($0)=\(value)" } ?? value
    }.joined(separator: ",")
  }
}
