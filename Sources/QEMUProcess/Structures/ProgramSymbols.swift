public import Symbols

/// A variable of the program's, as its debug information places it.
public struct ProgramVariable: Sendable {
  public enum Place: Hashable, Sendable {
    /// A link-time address.
    case address(UInt64)
    /// Bytes from the start of the program's thread-local block.
    case threadLocal(offset: UInt64)
  }
  public let type: TypeReference
  public let place: Place

  public init(type: TypeReference, place: Place) {
    self.type = type
    self.place = place
  }
}

/// What this room asks a program's debug information.
public protocol ProgramSymbols: Sendable {
  /// The variable of static storage of that name; of several, the one in the source file `file`. Only
  /// that file is looked at if `isStrict`: a name that the program lacks is otherwise looked for in
  /// all of its debug information.
  func variable(
    named name: String, file: String, isStrict: Bool
  ) throws(SymbolError) -> ProgramVariable?
  /// The struct of that name, or the typedef of one.
  func structure(named name: String, file: String) throws(SymbolError) -> TypeReference?
}

extension DebugInformation: ProgramSymbols {
  public func variable(
    named name: String, file: String, isStrict: Bool
  ) throws(SymbolError) -> ProgramVariable? {
    let hint: LookupHint = isStrict ? .onlySourceFile(file) : .sourceFile(file)
    guard let found = try globalVariable(named: name, hint: hint) else { return nil }
    let type = TypeReference(self, found.type)
    if let address = found.address { return ProgramVariable(type: type, place: .address(address)) }
    return found.threadLocalOffset.map {
      ProgramVariable(type: type, place: .threadLocal(offset: $0))
    }
  }

  public func structure(named name: String, file: String) throws(SymbolError) -> TypeReference? {
    for kind in [TypeKind.structure, .typedef] {
      if let id = try type(named: name, kind: kind, hint: .sourceFile(file)) {
        return TypeReference(self, id)
      }
    }
    return nil
  }
}
