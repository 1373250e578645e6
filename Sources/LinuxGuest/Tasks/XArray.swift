internal import Bytes
internal import Symbols
internal import Targets

/// The pointers in an XArray or radix tree (include/linux/xarray.h; one format since 4.20).
///
/// An entry's low bits tell what it is: `…10` an inner node if it is above 4096, else an internal
/// value (a sibling, a retry mark); `…1` an integer; `…00` a pointer, the array's content.
struct XArray: Sendable {
  /// In ascending order of their indices.
  private(set) var entries: [(index: UInt64, pointer: VirtualAddress)] = []
  /// What couldn't be followed, a line each.
  private(set) var damage: [String] = []

  private let layout: StructureLayout<XArrayNodeMember>
  private let memory: VirtualMemory
  private let limit: Int
  private var seen: Set<UInt64> = []

  /// What lies below the entry `root` (`xa_head`). At most `limit` pointers and as many nodes are
  /// read.
  init(
    root: UInt64, layout: StructureLayout<XArrayNodeMember>, in memory: VirtualMemory, limit: Int
  ) {
    self.layout = layout
    self.memory = memory
    self.limit = limit
    visit(root, index: 0, above: 64)
  }

  /// Nodes' shifts must fall on the way down, which also bounds the depth.
  private mutating func visit(_ entry: UInt64, index: UInt64, above: UInt64) {
    guard entries.count < limit, seen.count < limit else {
      if damage.last != Self.cut { damage.append(Self.cut) }
      return
    }
    if entry == 0 || entry & 1 != 0 { return }
    guard entry & 3 == 2 else {
      entries.append((index, VirtualAddress(entry)))
      return
    }
    guard entry > 4096 else { return }
    let node = entry - 2
    guard seen.insert(node).inserted else {
      damage.append("the array's node \(hex(node)) comes twice")
      return
    }
    do throws(StructureError) {
      try visitNode(VirtualAddress(node), index: index, above: above)
    } catch {
      damage.append("the array's node \(hex(node)): \(error)")
    }
  }

  private mutating func visitNode(
    _ address: VirtualAddress, index: UInt64, above: UInt64
  ) throws(StructureError) {
    let node = StructureImage(layout, at: address, in: memory)
    let shift = try node.unsigned(.shift)
    guard shift < above else {
      damage.append("the array's node \(address) has the shift \(shift) below \(above)")
      return
    }
    let count = try layout.place(of: .slots).byteCount / 8
    for slot in 0..<min(count, 64) {
      let entry = try node.word(slot, of: .slots)
      if entry != 0 { visit(entry, index: index &+ slot << shift, above: shift) }
    }
  }

  private static let cut = "the array has more entries than can be"
}
