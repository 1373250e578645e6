/// What can go wrong when debug information is read. Offsets are within the section or table that
/// is named.
public enum SymbolError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file holds no debug information of the kind that was asked for.
  case noDebugInformation(file: String)
  /// libdw refused the data at `offset` for the stated reason.
  case malformed(what: String, offset: UInt64, reason: String)
  /// The type identifier doesn't belong to this graph.
  case unknownType(UInt64)
  /// The record `type` has no member of that name.
  case noMember(type: String, member: String)
  /// There is no type of that name.
  case noType(String)
  /// A type was followed further than any real program's go: probably a circle of typedefs.
  case tooDeep(what: String, limit: Int)

  public var description: String {
    switch self {
    case .noDebugInformation(let file): "\(file) holds no debug information"
    case .malformed(let what, let offset, let reason):
      "\(what) at offset 0x\(String(offset, radix: 16)): \(reason)"
    case .unknownType(let id): "no type has the identifier 0x\(String(id, radix: 16))"
    case .noMember(let type, let member): "\(type) has no member \(member)"
    case .noType(let name): "there is no type \(name)"
    case .tooDeep(let what, let limit): "\(what) nests deeper than \(limit) levels"
    }
  }
}
