/// What was decoded once and is likely to be asked for again.
struct BTFCache {
  private var nodes: [TypeID: TypeNode] = [:]
  /// How many members and enumerators `nodes` hold.
  private var elements = 0
  private var members: [MemberKey: MemberReferencePlace?] = [:]

  /// More than all members of real kernels; damaged types can't make the cache larger than that.
  private static let elementLimit = 1 << 18
  private static let memberLimit = 1 << 16

  struct MemberKey: Hashable {
    let id: TypeID
    let path: String
  }

  /// A member without the graph, which would keep itself alive.
  struct MemberReferencePlace {
    let type: TypeID?
    let bitOffset: UInt64
    let bitSize: UInt64?
  }

  func node(_ id: TypeID) -> TypeNode? { nodes[id] }

  /// Keeps nodes that take a while to decode.
  mutating func add(_ node: TypeNode, _ id: TypeID) {
    let count: Int
    switch node {
    case .record(let record): count = record.members.count
    case .enumeration(let enumeration): count = enumeration.enumerators.count
    case .base, .function: count = 1
    default: return
    }
    guard count <= Self.elementLimit - elements, nodes[id] == nil else { return }
    elements += count + 1
    nodes[id] = node
  }
}
