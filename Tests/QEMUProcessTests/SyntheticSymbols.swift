import QEMUProcess
import Symbols

/// Debug information made by hand: structures of words, and where variables are.
final class SyntheticSymbols: ProgramSymbols, TypeGraph {
  /// A structure's members: name, offset in bytes, and the type's name.
  typealias Members = [(String, UInt64, String)]

  private let nodes: [TypeNode]
  private let identifiers: [String: TypeID]
  private let variables: [String: (type: String, place: ProgramVariable.Place)]

  /// Type names are those of `structures`, `u64`, `u32`, `name*` for a pointer, and `name[n]`.
  init(
    structures: [(String, UInt64, Members)],
    variables: [String: (type: String, place: ProgramVariable.Place)]
  ) {
    var names = ["u64", "u32", "u8"] + structures.map(\.0)
    func note(_ name: String) {
      if !names.contains(name) { names.append(name) }
      if name.hasSuffix("*") { note(String(name.dropLast())) }
      if let open = name.firstIndex(of: "[") { note(String(name[..<open])) }
    }
    for structure in structures { for member in structure.2 { note(member.2) } }
    for variable in variables.values { note(variable.type) }
    let identifiers = Dictionary(
      uniqueKeysWithValues: names.enumerated().map { ($1, TypeID(UInt64($0))) })
    nodes = names.map { name in
      if let structure = structures.first(where: { $0.0 == name }) {
        return .record(
          RecordNode(
            kind: .structure, name: name, size: structure.1, isDeclaration: false,
            members: structure.2.map {
              RecordNode.Member(name: $0.0, type: identifiers[$0.2], bitOffset: $0.1 * 8)
            }))
      }
      if name.hasSuffix("*") { return .pointer(to: identifiers[String(name.dropLast())], size: 8) }
      if let open = name.firstIndex(of: "[") {
        let count = UInt64(name[name.index(after: open)...].dropLast())
        return .array(
          element: identifiers[String(name[..<open])], dimensions: [Dimension(count: count)],
          isVector: false)
      }
      let size: UInt64 = name == "u64" ? 8 : name == "u32" ? 4 : 1
      return .base(name: name, encoding: .unsigned, size: size)
    }
    self.identifiers = identifiers
    self.variables = variables
  }

  func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    guard id.rawValue < UInt64(nodes.count) else { throw .unknownType(id.rawValue) }
    return nodes[Int(id.rawValue)]
  }

  func variable(
    named name: String, file: String, isStrict: Bool
  ) throws(SymbolError) -> ProgramVariable? {
    variables[name].map {
      ProgramVariable(type: TypeReference(self, identifiers[$0.type]), place: $0.place)
    }
  }

  func structure(named name: String, file: String) throws(SymbolError) -> TypeReference? {
    identifiers[name].map { TypeReference(self, $0) }
  }

  /// Coroutines, their pools and queues as QEMU 7.2 has them.
  static let coroutine: [(String, UInt64, Members)] = [
    ("SingleHead", 8, [("slh_first", 0, "Coroutine*")]),
    ("SingleEntry", 8, [("sle_next", 0, "Coroutine*")]),
    (
      "Coroutine", 88, [("pool_next", 24, "SingleEntry"), ("co_scheduled_next", 80, "SingleEntry")]
    ),
    ("BatchHead", 8, [("slh_first", 0, "Batch*")]),
    ("BatchEntry", 8, [("sle_next", 0, "Batch*")]),
    ("Batch", 24, [("next", 0, "BatchEntry"), ("list", 8, "SingleHead"), ("size", 16, "u32")]),
    ("AioContext", 64, [("scheduled_coroutines", 16, "SingleHead")]),
  ]
}
