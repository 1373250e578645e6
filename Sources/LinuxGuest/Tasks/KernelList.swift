internal import Bytes
internal import Targets

/// The nodes of a circular doubly linked list (`struct list_head`, include/linux/types.h).
///
///      0  next
///      8  prev
struct KernelList: Sendable {
  /// Without the head, each once, in the list's order.
  private(set) var nodes: [VirtualAddress] = []
  /// Why not all of it could be walked from front to back; nil if nothing is wrong.
  private(set) var damage: String?

  /// Walks the list with the head at `head`. A node counts only if its `prev` is the node that
  /// leads to it. Where that fails (the memory is missing, a pointer was overwritten, the guest ran
  /// while it was read), what lies behind is found by walking backwards from the head, so that one
  /// damaged node hides no other. At most `limit` nodes are taken.
  init(head: VirtualAddress, in memory: some Memory, limit: Int) {
    var seen: Set<VirtualAddress> = [head]
    damage = Self.walk(.next, from: head, in: memory, limit: limit, seen: &seen, &nodes)
    guard damage != nil, nodes.count < limit else { return }
    var behind: [VirtualAddress] = []
    // Why this walk ends is told by the first one's reason already.
    _ = Self.walk(
      .previous, from: head, in: memory, limit: limit - nodes.count, seen: &seen, &behind)
    nodes += behind.reversed()
  }

  private enum Direction: UInt64 {
    case next = 0
    case previous = 8

    var opposite: Direction { self == .next ? .previous : .next }
  }

  /// Adds nodes to `found` until the walk is back at `head` (gives nil) or can't go on (why).
  private static func walk(
    _ direction: Direction, from head: VirtualAddress, in memory: some Memory, limit: Int,
    seen: inout Set<VirtualAddress>, _ found: inout [VirtualAddress]
  ) -> String? {
    var current = head
    while true {
      do throws(MemoryFault) {
        let next = VirtualAddress(try memory.word(at: current &+ direction.rawValue))
        let back = VirtualAddress(try memory.word(at: next &+ direction.opposite.rawValue))
        guard back == current else {
          return "the list's node \(current) leads to \(next), which doesn't lead back"
        }
        if next == head { return nil }
        guard seen.insert(next).inserted else { return "the list comes back to \(next)" }
        guard found.count < limit else { return "the list has more than \(limit) nodes" }
        found.append(next)
        current = next
      } catch {
        return "the list's node \(current) leads nowhere: \(error)"
      }
    }
  }
}
