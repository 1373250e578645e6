/// A name for an address, from an ELF symbol table or made up for a linkage table's entry.
public struct ELFSymbol: Hashable, Sendable {
  /// Without its version; `foo@plt` for an entry of the procedure linkage table.
  public let name: String
  /// The module's own (link-time) address; for a thread-local one, its offset in the module's block.
  public let address: UInt64
  /// In bytes; 0 when the table gives none.
  public let size: UInt64
  public let kind: Kind
  public let binding: Binding

  public enum Kind: Hashable, Sendable {
    case function, object, threadLocal, untyped
    /// An indirect function: its code chooses the implementation.
    case indirectFunction
    case procedureLinkage
  }

  public enum Binding: Hashable, Sendable {
    case local, global, weak
  }

  public init(name: String, address: UInt64, size: UInt64, kind: Kind, binding: Binding) {
    self.name = name
    self.address = address
    self.size = size
    self.kind = kind
    self.binding = binding
  }
}
