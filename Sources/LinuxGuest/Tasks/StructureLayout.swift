internal import Bytes
internal import Symbols
internal import Targets

/// One name under which kernels have a member, and where that is read.
struct MemberName: Hashable, Sendable {
  /// Names joined by dots, as `TypeReference.member(named:)` takes them.
  let path: String
  /// The versions that have it, and the kernel's file.
  let source: String

  init(_ path: String, _ source: String) {
    self.path = path
    self.source = source
  }
}

/// The members of one structure that a reader needs. Each has one name or more: kernels rename and
/// move members, and the types tell which name holds.
protocol StructureMember: CaseIterable, RawRepresentable<Int>, Hashable, Sendable {
  /// As C spells it: `struct task_struct`.
  static var structure: String { get }
  /// The names, the newest first.
  var names: [MemberName] { get }
}

/// Where a member lies in its structure.
struct MemberPlace: Hashable, Sendable {
  let offset: UInt64
  /// 0 for an array without a length.
  let byteCount: UInt64
}

/// Where the members of one structure lie in this kernel, looked up once for any number of such
/// structures.
struct StructureLayout<Member: StructureMember>: Sendable {
  let type: TypeReference
  /// The structure's size in bytes.
  let byteCount: UInt64
  /// By the members' raw values, which count from 0.
  private let places: ContiguousArray<MemberPlace?>

  init(_ types: any TypeLibrary) throws(StructureError) {
    var places: ContiguousArray<MemberPlace?> = []
    let found: TypeReference?
    do throws(SymbolError) {
      found = try types.type(named: Member.structure)
      byteCount = try found?.size() ?? 0
      if let found {
        for member in Member.allCases { places.append(try Self.place(of: member, in: found)) }
      }
    } catch {
      throw .symbols(error)
    }
    guard let found else { throw .noType(Member.structure) }
    type = found
    self.places = places
  }

  private static func place(
    of member: Member, in type: TypeReference
  ) throws(SymbolError) -> MemberPlace? {
    for name in member.names {
      do throws(SymbolError) {
        let found = try type.member(named: name.path)
        return MemberPlace(offset: found.byteOffset, byteCount: try found.type.size() ?? 0)
      } catch {
        guard case .noMember = error else { throw error }
      }
    }
    return nil
  }

  /// Where `member` lies; nil if this kernel has none.
  subscript(member: Member) -> MemberPlace? {
    member.rawValue < places.count ? places[member.rawValue] : nil
  }

  /// Where `member` lies; throws `.noMember` with all the names that were tried.
  func place(of member: Member) throws(StructureError) -> MemberPlace {
    if let place = self[member] { return place }
    throw .symbols(
      .noMember(
        type: Member.structure, member: member.names.map(\.path).joined(separator: " or ")))
  }
}
