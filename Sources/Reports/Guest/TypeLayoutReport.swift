/// What `varve type` prints: how a kernel's types lie in memory.
public struct TypeLayoutReport: Codable, Hashable, Sendable {
  public var schema = "varve.type/1"
  public var file: String
  /// As it was asked for.
  public var name: String
  /// Every type of that name, and the function.
  public var types: [Layout]
  public var warnings: [String]

  public init(file: String, name: String, types: [Layout], warnings: [String]) {
    self.file = file
    self.name = name
    self.types = types
    self.warnings = warnings
  }

  public struct Layout: Codable, Hashable, Sendable {
    /// `vmlinux`, or the module's name.
    public var source: String
    /// `struct`, `union`, `enum`, `typedef`, `function`, `base` or `other`.
    public var kind: String
    /// As C spells it: `struct list_head`, `u64`.
    public var name: String
    /// In bytes; nil for functions and mere declarations.
    public var size: UInt64?
    /// Of a typedef: what it stands for. Of a function: its prototype.
    public var declaration: String?
    /// Only the name is known here.
    public var isDeclaration: Bool?
    /// Of a record, or of a typedef of one without a name.
    public var body: Body?
    /// Of an enumeration, or of a typedef of one without a name.
    public var enumerators: [Enumerator]?
  }

  /// The members of a record.
  public struct Body: Codable, Hashable, Sendable {
    /// `struct` or `union`.
    public var kind: String
    public var members: [Member]
    /// Of a structure: bits that belong to no member, between members and behind the last one.
    public var holes: [Hole]
  }

  public struct Member: Codable, Hashable, Sendable {
    /// Nil for an anonymous structure or union.
    public var name: String?
    public var type: String
    /// As C declares it: `char comm[16]`, `unsigned int in_iowait:1`.
    public var declaration: String
    /// In bytes from the beginning of the outermost record; of a bit field, that of the integer it is
    /// a part of.
    public var offset: UInt64
    /// Of a bit field: its lowest bit in that integer.
    public var bitOffset: UInt64?
    public var bitSize: UInt64?
    /// In bytes, of a bit field those of its integer; nil if the type has none.
    public var size: UInt64?
    /// Of an anonymous record.
    public var body: Body?
  }

  public struct Hole: Codable, Hashable, Sendable {
    /// In bits from the beginning of the outermost record.
    public var bitOffset: UInt64
    public var bitSize: UInt64
    /// It lies behind the last member.
    public var isPadding: Bool
  }

  public struct Enumerator: Codable, Hashable, Sendable {
    public var name: String
    public var value: Int64
  }
}
