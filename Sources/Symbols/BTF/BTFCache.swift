/// What was decoded once and is likely to be asked for again.
struct BTFCache {
  private var nodes: [TypeID: TypeNode] = [:]
  /// How many members and enumerators `nodes` hold.
  private var elements = 0
  private var members: [MemberKey: MemberAnswer] = [:]

  /// More than all members of real kernels; damaged types can't make the cache larger than that.
  private static let elementLimit = 1 << 18
  private static let memberLimit = 1 << 16

  struct MemberKey: Hashable {
    let id: TypeID
    let path: String
  }

  /// What was found; without the graph, which would keep itself alive.
  enum MemberAnswer {
    case member(type: TypeID?, bitOffset: UInt64, bitSize: UInt64?)
    case absent(SymbolError)
  }

  func member(_ key: MemberKey) -> MemberAnswer? { members[key] }

  mutating func add(_ answer: MemberAnswer, _ key: MemberKey) {
    guard members.count < Self.memberLimit else { return }
    members[key] = answer
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
