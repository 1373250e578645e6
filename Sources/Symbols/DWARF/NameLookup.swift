import CElfutils
import Unwinding

/// Which sort of type a name is looked up among.
public enum TypeKind: Hashable, Sendable {
  /// A struct or class.
  case structure
  case union, enumeration, typedef, base
}

/// A variable of static storage.
public struct GlobalVariable: Hashable, Sendable {
  public let name: String
  public let linkageName: String?
  public let type: TypeID?
  /// `.operations([DW_OP_addr])` for most; thread-local ones end in a TLS operation.
  public let location: VariableLocation

  public init(name: String, linkageName: String?, type: TypeID?, location: VariableLocation) {
    self.name = name
    self.linkageName = linkageName
    self.type = type
    self.location = location
  }

  /// The link-time address, if the variable simply has one.
  public var address: UInt64? {
    guard case .operations(let operations) = location, operations.count == 1,
      operations[0].opcode.rawValue == UInt8(DW_OP_addr)
    else { return nil }
    return operations[0].operand1
  }

  /// The offset in the module's thread-local block, if the variable is thread-local.
  public var threadLocalOffset: UInt64? {
    guard case .operations(let operations) = location, operations.count == 2,
      [DW_OP_addr, DW_OP_const8u, DW_OP_const4u, DW_OP_constu].contains(
        Int(operations[0].opcode.rawValue)),
      [DW_OP_form_tls_address, DW_OP_GNU_push_tls_address].contains(
        Int(operations[1].opcode.rawValue))
    else { return nil }
    return operations[0].operand1
  }
}

/// Where to look first, since debug information without an index is searched unit by unit.
public enum LookupHint: Hashable, Sendable {
  /// The unit whose code covers this address.
  case address(UInt64)
  /// The units compiled from a source file of this name, such as `coroutine-ucontext.c`.
  case sourceFile(String)
  /// The same units and no others: what they lack isn't found.
  case onlySourceFile(String)
}

extension Session {
  func function(
    named name: String, hint: LookupHint?
  ) throws(SymbolError) -> FunctionScope? {
    guard let entry = try find(LookupKey(name: name, subject: .function), hint: hint),
      let unit = try unit(of: entry)
    else { return nil }
    let ranges = try entry.ranges()
    guard !ranges.isEmpty else { return nil }
    let start = entry.entryAddress() ?? ranges.first?.lowerBound
    return try describe(
      ScopeChain.Scope(entry: entry, ranges: ranges), in: unit,
      location: start.flatMap { location(at: $0, in: unit) })
  }

  func globalVariable(
    named name: String, hint: LookupHint?
  ) throws(SymbolError) -> GlobalVariable? {
    guard let entry = try find(LookupKey(name: name, subject: .variable), hint: hint) else {
      return nil
    }
    let plain = try entry.string(DW_AT_name, integrated: true) ?? name
    return GlobalVariable(
      name: try qualifiedName(of: entry, plain: plain),
      linkageName: try entry.string(
        anyOf: [DW_AT_linkage_name, DW_AT_MIPS_linkage_name], integrated: true),
      type: try type(of: entry, integrated: true), location: variableLocation(entry, at: 0))
  }

  /// See `DebugInformation.definition(of:)`.
  func definition(of id: TypeID) throws(SymbolError) -> TypeID {
    let name: String?
    let kind: TypeKind
    switch try node(id) {
    case .record(let record) where record.isDeclaration:
      (name, kind) = (record.name, record.kind == .union ? .union : .structure)
    case .enumeration(let enumeration) where enumeration.isDeclaration:
      (name, kind) = (enumeration.name, .enumeration)
    default: return id
    }
    guard let name else { return id }
    let found = try find(LookupKey(name: name, subject: .type(kind)), hint: nil)
    return found.map(typeID) ?? id
  }
}
