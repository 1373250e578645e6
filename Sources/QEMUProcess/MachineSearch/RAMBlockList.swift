import Bytes

/// A list of QEMU's (`QLIST`, include/qemu/queue.h) that hangs on a variable. Each element knows
/// where the word is that points to it, so a list proves itself.
///
///     variable        element            element
///     lh_first ──▶ … le_next ──▶ … le_next ──▶ 0
///         ▲────────── le_prev   ▲── le_prev
struct AnchoredList: Sendable {
  /// The variable's address.
  let head: UInt64
  let elements: [UInt64]
  /// Where in an element `le_next` is; `le_prev` follows.
  let link: UInt64

  /// Longer lists than this are taken for damage: QEMU has some ten blocks, and a few hundred with
  /// all slots in use.
  static let limit = 1 << 12

  /// The list whose first element `pointer` points to, if elements are linked at `link`.
  init?(_ pointer: GlobalPointers.Pointer, link: UInt64, _ probe: Probe) {
    var elements: [UInt64] = []
    var element = pointer.target
    var previous = pointer.address
    while element != 0 {
      // Each element names its one predecessor, so no list that passes can have a cycle.
      guard elements.count < Self.limit, probe.word(at: element &+ link &+ 8) == previous,
        let next = probe.word(at: element &+ link)
      else { return nil }
      elements.append(element)
      previous = element &+ link
      element = next
    }
    head = pointer.address
    self.elements = elements
    self.link = link
  }

  /// Every list that `pointer` could be the head of, its elements linked at one of `links`.
  static func lists(
    at pointer: GlobalPointers.Pointer, links: Range<UInt64>, _ probe: Probe
  ) -> [AnchoredList] {
    probe.bytes(at: pointer.target, upTo: links.upperBound)
      .offsets(of: pointer.address, from: links.lowerBound + 8)
      .compactMap { AnchoredList(pointer, link: $0 - 8, probe) }
  }
}

/// QEMU's list of memory blocks (`ram_list.blocks`), found by its shape.
struct RAMBlockList: Sendable {
  let list: AnchoredList
  let layout: RAMBlockShape
  let blocks: [FoundRAMBlock]

  /// A `RAMBlock`'s link is at 336 in 7.2; its name of 256 bytes and more come before it.
  private static let links: Range<UInt64> = 288..<768

  /// Every list that has the shape; more than one is unheard of.
  static func search(
    _ pointers: GlobalPointers, in process: HostProcess
  ) -> [RAMBlockList] {
    let probe = Probe(memory: process.memory)
    return pointers.pointers.flatMap { pointer in
      AnchoredList.lists(at: pointer, links: links, probe).compactMap { list in
        guard let layout = RAMBlockShape(of: list, in: process) else { return nil }
        let blocks = list.elements.compactMap { layout.block(at: $0, probe) }
        guard blocks.count == list.elements.count else { return nil }
        // What lies in guest memory was written by the guest.
        let isForged = blocks.contains { block in
          list.elements.contains { block.holds($0) } || blocks.contains { block.holds($0.region) }
        }
        return isForged ? nil : RAMBlockList(list: list, layout: layout, blocks: blocks)
      }
    }
  }
}

/// A block as its `RAMBlock` describes it.
struct FoundRAMBlock: Hashable, Sendable {
  /// Of the `RAMBlock`.
  let address: UInt64
  let name: String
  let host: UInt64
  /// `used_length`
  let count: UInt64
  /// `mr`
  let region: UInt64

  func holds(_ pointer: UInt64) -> Bool { pointer >= host && pointer - host < count }
}
