/// A type together with the graph that it lives in.
public struct TypeReference: Sendable {
  public let graph: any TypeGraph
  /// Nil is `void`.
  public let id: TypeID?

  /// How many typedefs, qualifiers or levels of nesting are followed before a circle is assumed.
  public static let depthLimit = 64

  public init(_ graph: any TypeGraph, _ id: TypeID?) {
    self.graph = graph
    self.id = id
  }

  /// The type's node; nil for `void`.
  public func node() throws(SymbolError) -> TypeNode? {
    guard let id else { return nil }
    return try graph.node(id)
  }

  /// What the type is once typedefs and qualifiers are taken away. Throws `.tooDeep` on a circle.
  public func stripped() throws(SymbolError) -> TypeReference {
    var current = self
    for _ in 0..<Self.depthLimit {
      switch try current.node() {
      case .typedef(_, let target), .qualified(_, let target):
        current = TypeReference(graph, target)
      default: return current
      }
    }
    throw .tooDeep(what: "typedef", limit: Self.depthLimit)
  }

  /// In bytes; nil where the type has none: `void`, a function, an array without a length, a mere
  /// declaration.
  public func size() throws(SymbolError) -> UInt64? {
    try size(depth: 0)
  }

  private func size(depth: Int) throws(SymbolError) -> UInt64? {
    guard depth < Self.depthLimit else { throw .tooDeep(what: "array", limit: Self.depthLimit) }
    switch try stripped().node() {
    case .base(_, _, let size), .pointer(_, let size), .reference(_, _, let size),
      .memberPointer(_, _, let size):
      return size
    case .record(let record): return record.isDeclaration ? nil : record.size
    case .enumeration(let enumeration): return enumeration.isDeclaration ? nil : enumeration.size
    case .array(let element, let dimensions, _):
      guard var total = try TypeReference(graph, element).size(depth: depth + 1) else { return nil }
      for dimension in dimensions {
        guard let count = dimension.count else { return nil }
        let (product, overflow) = total.multipliedReportingOverflow(by: count)
        guard !overflow else { return nil }
        total = product
      }
      return total
    case nil, .function, .unspecified, .typedef, .qualified: return nil
    }
  }

  /// What a pointer, reference or array refers to or consists of; nil for other types.
  public func target() throws(SymbolError) -> TypeReference? {
    switch try stripped().node() {
    case .pointer(let target, _), .reference(let target, _, _), .memberPointer(let target, _, _):
      TypeReference(graph, target)
    case .array(let element, _, _): TypeReference(graph, element)
    default: nil
    }
  }
}
