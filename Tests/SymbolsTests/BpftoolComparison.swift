import Symbols
import TestWorlds
import Testing

/// BTF as Varve and as bpftool read it.
struct BpftoolComparison {
  let types: BTFTypes
  let dump: BpftoolDump
  /// Types that type tags stand before: Varve leaves tags out.
  private let tags: [UInt64: UInt64]

  init(_ types: BTFTypes, _ text: String) {
    self.types = types
    dump = BpftoolDump(text)
    var tags: [UInt64: UInt64] = [:]
    for entry in dump.entries where entry.kind == "TYPE_TAG" {
      tags[entry.id] = entry.fields["type_id"].flatMap { UInt64($0) }
    }
    self.tags = tags
  }

  func compare() throws {
    #expect(dump.entries.last?.id == types.endID - 1)
    var compared = 0
    for entry in dump.entries {
      let expected = expectation(entry)
      guard !expected.isEmpty else { continue }
      compared += 1
      let found = description(try types.node(TypeID(entry.id)))
      guard found == expected else {
        #expect(found == expected, "type \(entry.id)")
        return
      }
    }
    #expect(compared > 10_000)
  }

  private func target(_ field: Substring?) -> String {
    var id = field.flatMap { UInt64($0) } ?? 0
    while let next = tags[id] { id = next }
    return "\(id)"
  }

  private func expectation(_ entry: BpftoolDump.Entry) -> String {
    let name = entry.name
    func field(_ key: Substring) -> Substring { entry.fields[key] ?? "" }
    switch entry.kind {
    case "INT", "FLOAT": return "base \(name) \(field("size"))"
    case "PTR", "CONST", "VOLATILE", "RESTRICT":
      return "\(entry.kind) \(target(entry.fields["type_id"]))"
    case "TYPEDEF": return "TYPEDEF \(name) \(target(entry.fields["type_id"]))"
    case "ARRAY": return "ARRAY \(target(entry.fields["type_id"])) \(field("nr_elems"))"
    case "FWD": return "\(field("fwd_kind")) \(name) declared"
    case "STRUCT", "UNION":
      let members = entry.elements.map {
        " \($0.name) \(target($0.fields["type_id"])) \($0.fields["bits_offset"] ?? "")"
          + " \($0.fields["bitfield_size"] ?? "0")"
      }
      return "\(entry.kind.lowercased()) \(name) \(field("size"))" + members.joined()
    case "ENUM", "ENUM64":
      let values = entry.elements.map {
        " \($0.name) \(trimmed($0.fields["val"] ?? ""))"
      }
      return "enum \(name) \(field("size"))" + values.joined()
    case "FUNC_PROTO":
      let parameters = entry.elements.map { " " + target($0.fields["type_id"]) }
      return "FUNC_PROTO \(target(entry.fields["ret_type_id"]))" + parameters.joined()
    default: return ""
    }
  }

  /// Values of 64 bits are printed with their suffix.
  private func trimmed(_ value: Substring) -> Int64 {
    let digits = value.prefix { $0.isNumber || $0 == "-" }
    return Int64(digits) ?? UInt64(digits).map { Int64(bitPattern: $0) } ?? .min
  }

  private func number(_ id: TypeID?) -> String { "\(id?.rawValue ?? 0)" }

  private func description(_ node: TypeNode) -> String {
    switch node {
    case .base(let name, _, let size): return "base \(name) \(size)"
    case .pointer(let target, _): return "PTR \(number(target))"
    case .qualified(let qualifier, let target):
      return "\(qualifier.rawValue.uppercased()) \(number(target))"
    case .typedef(let name, let target): return "TYPEDEF \(name) \(number(target))"
    case .array(let element, let dimensions, _):
      return "ARRAY \(number(element)) \(dimensions.first?.count ?? .max)"
    case .record(let record):
      let name = "\(record.kind.rawValue) \(record.name ?? "")"
      if record.isDeclaration { return name + " declared" }
      return "\(name) \(record.size)"
        + record.members.map {
          " \($0.name ?? "") \(number($0.type)) \($0.bitOffset) \($0.bitSize ?? 0)"
        }.joined()
    case .enumeration(let enumeration):
      return "enum \(enumeration.name ?? "") \(enumeration.size)"
        + enumeration.enumerators.map { " \($0.name) \($0.value)" }.joined()
    case .function(let function):
      let parameters = function.parameters.map { " " + number($0) }
      return "FUNC_PROTO \(number(function.result))" + parameters.joined()
        + (function.isVariadic ? " 0" : "")
    default: return "\(node)"
    }
  }
}
