public import Unwinding

/// The types of a program as a graph that is read node by node: types refer to each other in
/// circles.
///
/// DWARF gives one, BTF another; whoever asks for a member's offset doesn't see which.
public protocol TypeGraph: Sendable, AnyObject {
  /// The node that `id`, an identifier from this same graph, stands for. Throws if the node is
  /// damaged.
  func node(_ id: TypeID) throws(SymbolError) -> TypeNode

  /// The member `path` of the type `id`, as `TypeReference.member(named:)` says. A graph that is
  /// asked for the same members time and again remembers them; by default it searches each time.
  func member(named path: String, of id: TypeID) throws(SymbolError) -> MemberReference
}

extension TypeGraph {
  public func member(named path: String, of id: TypeID) throws(SymbolError) -> MemberReference {
    try TypeReference(self, id).search(for: path)
  }
}

/// A type's identifier, meaningful only to the graph that gave it: a DIE's offset, a BTF number.
public struct TypeID: Hashable, Sendable {
  public let rawValue: UInt64
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// One type, with the types it refers to still unread. A nil `TypeID` is `void`. Sizes are bytes
/// unless said otherwise.
public enum TypeNode: Sendable {
  case base(name: String, encoding: BaseEncoding, size: UInt64)
  case pointer(to: TypeID?, size: UInt64)
  /// A C++ reference; `isRvalue` for `&&`.
  case reference(to: TypeID?, isRvalue: Bool, size: UInt64)
  case array(element: TypeID?, dimensions: [Dimension], isVector: Bool)
  /// A struct, union or class.
  case record(RecordNode)
  case enumeration(EnumerationNode)
  case typedef(name: String, of: TypeID?)
  case qualified(Qualifier, of: TypeID?)
  case function(FunctionNode)
  /// A type that has a name and nothing else, such as `decltype(nullptr)`.
  case unspecified(name: String)
  /// A C++ pointer to a member of `of`.
  case memberPointer(to: TypeID?, of: TypeID?, size: UInt64)
}

/// How a base type's bits are read (DW_ATE_…).
public enum BaseEncoding: Hashable, Sendable {
  case signed, unsigned, signedCharacter, unsignedCharacter, boolean, float, complexFloat, utf,
    address
  /// An encoding that this reader has no rule for, by its number.
  case other(UInt64)
}

public enum Qualifier: String, Hashable, Sendable {
  case const
  case volatile
  case restrict
  case atomic = "_Atomic"
}

/// One dimension of an array; nil when its length isn't known (a flexible array, or one of run-time
/// size).
public struct Dimension: Hashable, Sendable {
  public let count: UInt64?
  /// The first index: 0 in C.
  public let lowerBound: Int64
  /// The length is computed at run time; gdb prints `[variable length]`.
  public let isVariable: Bool
  public init(count: UInt64?, lowerBound: Int64 = 0, isVariable: Bool = false) {
    self.count = count
    self.lowerBound = lowerBound
    self.isVariable = isVariable
  }
}

public struct RecordNode: Sendable {
  public enum Kind: String, Hashable, Sendable {
    case structure = "struct"
    case union
    case `class`
  }
  public let kind: Kind
  /// Nil for an anonymous one. C++ names come with their scopes: `std::pair<int, int>`.
  public let name: String?
  public let size: UInt64
  /// Only its name is known here; the definition may be elsewhere in the program.
  public let isDeclaration: Bool
  public let members: [Member]

  public init(kind: Kind, name: String?, size: UInt64, isDeclaration: Bool, members: [Member]) {
    self.kind = kind
    self.name = name
    self.size = size
    self.isDeclaration = isDeclaration
    self.members = members
  }

  public struct Member: Sendable {
    /// Nil for an anonymous struct or union within this one.
    public let name: String?
    public let type: TypeID?
    /// From the record's first byte; a multiple of 8 unless this is a bit field.
    public let bitOffset: UInt64
    /// Nil unless this is a bit field.
    public let bitSize: UInt64?
    /// A C++ base class, printed by gdb as `<Base> = {…}`.
    public let isBase: Bool
    /// A C++ static member: it has no place in the record.
    public let isStatic: Bool
    /// A static member's value, if the class itself gives it.
    public let constantValue: ConstantValue?
    /// Computes the address of a virtual base class from that of the object, which is on the stack;
    /// `bitOffset` means nothing then. Nil for all other members.
    public let virtualLocation: [DWARFOperation]?

    public init(
      name: String?, type: TypeID?, bitOffset: UInt64, bitSize: UInt64? = nil, isBase: Bool = false,
      isStatic: Bool = false, constantValue: ConstantValue? = nil,
      virtualLocation: [DWARFOperation]? = nil
    ) {
      self.name = name
      self.type = type
      self.bitOffset = bitOffset
      self.bitSize = bitSize
      self.isBase = isBase
      self.isStatic = isStatic
      self.constantValue = constantValue
      self.virtualLocation = virtualLocation
    }
  }
}

public struct EnumerationNode: Sendable {
  public let name: String?
  public let size: UInt64
  public let isSigned: Bool
  public let isDeclaration: Bool
  /// C++'s `enum class`: the enumerators' names are known only with the type's before them.
  public let isScoped: Bool
  public let enumerators: [(name: String, value: Int64)]

  public init(
    name: String?, size: UInt64, isSigned: Bool, isDeclaration: Bool = false,
    isScoped: Bool = false, enumerators: [(name: String, value: Int64)]
  ) {
    self.name = name
    self.size = size
    self.isSigned = isSigned
    self.isDeclaration = isDeclaration
    self.isScoped = isScoped
    self.enumerators = enumerators
  }
}

public struct FunctionNode: Sendable {
  public let result: TypeID?
  public let parameters: [TypeID?]
  /// It ends in `...`.
  public let isVariadic: Bool
  /// It has a prototype: `(void)` is printed when there are no parameters.
  public let isPrototyped: Bool

  public init(result: TypeID?, parameters: [TypeID?], isVariadic: Bool, isPrototyped: Bool = true) {
    self.result = result
    self.parameters = parameters
    self.isVariadic = isVariadic
    self.isPrototyped = isPrototyped
  }
}
