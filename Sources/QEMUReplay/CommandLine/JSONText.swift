internal import FoundationEssentials
internal import QEMUMonitor

/// QEMU takes some options as JSON as well.
enum JSONText {
  /// The list that says the same as the object `json`: `{"file": {"driver": "nbd"}}` is
  /// `file.driver=nbd`; members of arrays have their number, flags are `on` or `off`, null is empty. Nil
  /// if `json` isn't meant as an object. Throws `.commandLine` if it is a damaged one.
  ///
  /// Source of the form: QEMU 7.2 util/keyval.c, qobject/block-qdict.c (qdict_flatten).
  static func list(_ json: String) throws(ReplayError) -> OptionList? {
    guard json.hasPrefix("{") else { return nil }
    do {
      let value = try JSONDecoder().decode(QMPValue.self, from: Data(json.utf8))
      return OptionList(members: members(value, []))
    } catch {
      throw .commandLine("\(json) is no JSON object")
    }
  }

  /// The text that the object `json` has under `key`; nil if it isn't meant as an object, or has none.
  /// Throws `.commandLine` if it is a damaged one.
  static func member(_ key: String, of json: String) throws(ReplayError) -> String? {
    try list(json)?.value(key)
  }

  private static func members(_ value: QMPValue, _ path: [String]) -> [OptionList.Member] {
    let text: String
    switch value {
    case .object(let members):
      return members.sorted { $0.key < $1.key }.flatMap { Self.members($0.value, path + [$0.key]) }
    case .array(let values):
      return values.enumerated().flatMap { Self.members($0.element, path + ["\($0.offset)"]) }
    case .null: text = ""
    case .bool(let isOn): text = isOn ? "on" : "off"
    case .integer(let number): text = "\(number)"
    case .number(let number): text = "\(number)"
    case .string(let string): text = string
    }
    return [OptionList.Member(key: path.joined(separator: "."), value: text)]
  }
}

extension OptionList {
  /// An option's value, which may be JSON. Throws `.commandLine` for JSON that is damaged.
  static func reading(_ text: String) throws(ReplayError) -> OptionList {
    try JSONText.list(text) ?? OptionList(text)
  }
}
