import Synchronization

/// Types that an expression makes of those of a graph: pointers to them, arrays of them, and C's own
/// integers, whether or not the graph has them.
final class DerivedTypes: TypeGraph {
  let base: any TypeGraph
  private let added = Mutex<[TypeNode]>(DerivedTypes.builtIns)

  init(_ base: any TypeGraph) { self.base = base }

  /// Identifiers of its own begin here; no DIE's offset and no BTF number is that large.
  private static let first: UInt64 = 1 << 62

  private static let builtIns: [TypeNode] = [
    .base(name: "int", encoding: .signed, size: 4),
    .base(name: "unsigned int", encoding: .unsigned, size: 4),
    .base(name: "long int", encoding: .signed, size: 8),
    .base(name: "long unsigned int", encoding: .unsigned, size: 8),
  ]

  /// C's integers.
  enum BuiltIn: UInt64 {
    case int, unsignedInt, long, unsignedLong
  }

  func builtIn(_ type: BuiltIn) -> TypeReference {
    TypeReference(self, TypeID(Self.first + type.rawValue))
  }

  func pointer(to type: TypeID?) -> TypeReference { add(.pointer(to: type, size: 8)) }

  func array(of type: TypeID?, count: UInt64) -> TypeReference {
    add(.array(element: type, dimensions: [Dimension(count: count)], isVector: false))
  }

  private func add(_ node: TypeNode) -> TypeReference {
    let index = added.withLock { nodes in
      nodes.append(node)
      return nodes.count - 1
    }
    return TypeReference(self, TypeID(Self.first + UInt64(index)))
  }

  func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    guard id.rawValue >= Self.first else { return try base.node(id) }
    let index = id.rawValue - Self.first
    let node = added.withLock { index < UInt64($0.count) ? $0[Int(index)] : nil }
    guard let node else { throw .unknownType(id.rawValue) }
    return node
  }

  func member(named path: String, of id: TypeID) throws(SymbolError) -> MemberReference {
    let found =
      id.rawValue < Self.first
      ? try base.member(named: path, of: id) : try TypeReference(self, id).search(for: path)
    return MemberReference(
      type: TypeReference(self, found.type.id), bitOffset: found.bitOffset, bitSize: found.bitSize)
  }
}

extension TypeReference {
  /// A pointer to this type, or with more `levels` a pointer to such a pointer.
  public func pointer(levels: Int = 1) -> TypeReference {
    guard levels > 0 else { return self }
    let derived = graph as? DerivedTypes ?? DerivedTypes(graph)
    return (0..<levels).reduce(TypeReference(derived, id)) { type, _ in
      derived.pointer(to: type.id)
    }
  }
}
