import Unwinding

/// Which sort of type a name is looked up among.
public enum TypeKind: Hashable, Sendable {
  case structure, union, enumeration, typedef, base
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
      operations[0].opcode.rawValue == 0x03
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
}

extension DebugInformation {
  /// The type of that name and kind; a definition rather than a declaration. Nil if there is none.
  public func type(
    named name: String, kind: TypeKind, hint: LookupHint? = nil
  ) throws(SymbolError) -> TypeID? {
    throw .noDebugInformation(file: self.name)
  }

  /// The out-of-line function of that name (plain, qualified or linkage name).
  public func function(
    named name: String, hint: LookupHint? = nil
  ) throws(SymbolError) -> FunctionScope? {
    throw .noDebugInformation(file: self.name)
  }

  /// The variable of static storage of that name (plain, qualified or linkage name).
  public func globalVariable(
    named name: String, hint: LookupHint? = nil
  ) throws(SymbolError) -> GlobalVariable? {
    throw .noDebugInformation(file: self.name)
  }
}
