internal import Bytes
internal import Symbols
internal import Targets

/// The pointers in a maple tree (lib/maple_tree.c, since 6.1), each with the range that it stands
/// for.
///
/// A pointer to a node carries the node's type in bits that its alignment of 256 bytes leaves free:
///
///     bits 63…8   the node's address
///     bits 6…3    its type: 0 dense, 1 leaf_64, 2 range_64, 3 arange_64
///     bit 1       set in the pointer at the root, which tells it from an entry
///
/// A node's slot `i` stands for what lies between the pivots `i − 1` and `i`; the last slot in use
/// ends where the node does, and its pivot is 0 or missing.
struct MapleTree: Sendable {
  struct Entry: Hashable, Sendable {
    /// Both belong to the range.
    let first: UInt64
    let last: UInt64
    let pointer: VirtualAddress
  }

  /// In ascending order.
  private(set) var entries: [Entry] = []
  /// What couldn't be followed, a line each.
  private(set) var damage: [String] = []

  private let layouts: MapleLayouts
  private let memory: VirtualMemory
  private let limit: Int
  private var seen: Set<UInt64> = []

  /// What lies below `root` (`ma_root`). At most `limit` entries and as many nodes are read.
  init(root: UInt64, layouts: MapleLayouts, in memory: VirtualMemory, limit: Int) {
    self.layouts = layouts
    self.memory = memory
    self.limit = limit
    guard root != 0 else { return }
    if Self.isNode(root) {
      visit(root, first: 0, last: .max, depth: 0)
    } else {
      // A tree with a single entry for the index 0.
      add(root, first: 0, last: 0)
    }
  }

  /// `MAPLE_HEIGHT_MAX`
  private static let depthLimit = 31

  /// As `xa_is_node`.
  private static func isNode(_ entry: UInt64) -> Bool { entry & 3 == 2 && entry > 4096 }

  private mutating func add(_ entry: UInt64, first: UInt64, last: UInt64) {
    // Low bits mark what isn't a pointer: an integer, or a place that is kept free.
    guard entry != 0, entry & 3 == 0 else { return }
    guard entries.count < limit else { return tell("the tree has more entries than can be") }
    entries.append(Entry(first: first, last: last, pointer: VirtualAddress(entry)))
  }

  private mutating func visit(_ encoded: UInt64, first: UInt64, last: UInt64, depth: Int) {
    let node = encoded & ~0xff
    guard depth < Self.depthLimit, seen.count < limit, seen.insert(node).inserted else {
      return tell("the tree's node \(hex(node)) comes twice, or is too deep")
    }
    do throws(StructureError) {
      let address = VirtualAddress(node)
      switch encoded >> 3 & 0xf {
      case 1: try visit(leaf(address), first, last, depth, isLeaf: true)
      case 2: try visit(leaf(address), first, last, depth, isLeaf: false)
      case 3: try visit(gaps(address), first, last, depth, isLeaf: false)
      case let type: tell("the tree's node \(address) has the unknown type \(type)")
      }
    } catch {
      tell("the tree's node \(hex(node)): \(error)")
    }
  }

  /// A node's words, whatever its type.
  private struct Node {
    let address: VirtualAddress
    let parent: UInt64
    var pivots: [UInt64] = []
    var slots: [UInt64] = []
  }

  private func leaf(_ address: VirtualAddress) throws(StructureError) -> Node {
    let image = StructureImage(layouts.range, at: address, in: memory)
    return Node(
      address: address, parent: try image.unsigned(.parent), pivots: try image.words(of: .pivots),
      slots: try image.words(of: .slots))
  }

  private func gaps(_ address: VirtualAddress) throws(StructureError) -> Node {
    let image = StructureImage(layouts.gapRange, at: address, in: memory)
    return Node(
      address: address, parent: try image.unsigned(.parent), pivots: try image.words(of: .pivots),
      slots: try image.words(of: .slots))
  }

  private mutating func visit(
    _ node: Node, _ first: UInt64, _ last: UInt64, _ depth: Int, isLeaf: Bool
  ) {
    // `ma_dead_node`: a node that was replaced is its own parent.
    if node.parent & ~0xff == node.address.rawValue {
      tell("the tree's node \(node.address) had been replaced")
    }
    var start = first
    for (index, slot) in node.slots.enumerated() {
      var end = index < node.pivots.count ? node.pivots[index] : last
      if end == 0 && index > 0 { end = last }
      guard end >= start, end <= last else {
        return tell(
          "the tree's node \(node.address): pivot \(index) is \(hex(end)), not within "
            + "\(hex(start))–\(hex(last))")
      }
      if isLeaf {
        add(slot, first: start, last: end)
      } else if slot != 0 {
        visit(slot, first: start, last: end, depth: depth + 1)
      }
      if end == last { return }
      start = end + 1
    }
  }

  private mutating func tell(_ line: String) {
    if damage.count < 16 { damage.append(line) }
  }
}

/// How the nodes of maple trees look in this kernel.
struct MapleLayouts: Sendable {
  let range: StructureLayout<MapleRangeMember>
  let gapRange: StructureLayout<MapleGapRangeMember>

  init(_ kernel: LinuxKernel) throws(StructureError) {
    range = try StructureLayout(kernel.types)
    gapRange = try StructureLayout(kernel.types)
  }
}
