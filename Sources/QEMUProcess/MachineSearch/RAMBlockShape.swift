import Bytes

/// Where a `RAMBlock`'s members are, worked out from the blocks themselves (include/exec/ramblock.h;
/// the distances are 7.2's):
///
///      16  mr            ──▶ MemoryRegion { …, ram_block ──▶ this block, … }
///      24  host          ──▶ the memory, page-aligned
///      32  colo_cache
///      40  offset
///      48  used_length   pages
///      56  max_length    pages, no less
///      72  flags
///      76  idstr         256 bytes: text, then zeros
///     336  next          { le_next, le_prev }
struct RAMBlockShape: Hashable, Sendable {
  let link: UInt64
  let name: UInt64
  let host: UInt64
  let usedLength: UInt64
  let region: UInt64
  /// Where in a `MemoryRegion` its `ram_block` is.
  let blockInRegion: UInt64

  static let nameSize: UInt64 = 256
  private static let pageMask: UInt64 = 0xfff
  /// No memory is larger.
  private static let largest: UInt64 = 1 << 56

  /// The one arrangement under which all elements of `list` are blocks; nil if there is none.
  init?(of list: AnchoredList, in process: HostProcess) {
    let probe = Probe(memory: process.memory)
    link = list.link
    let elements = list.elements.map { probe.bytes(at: $0, upTo: list.link + 16) }
    guard !elements.isEmpty, elements.allSatisfy({ $0.count == list.link + 16 }),
      let name = Self.name(in: elements, link: list.link),
      let host = Self.host(in: elements, before: name, process),
      let usedLength = Self.usedLength(in: elements, from: host + 8, before: name),
      let (region, block) = Self.region(in: elements, list.elements, before: host, probe)
    else { return nil }
    self.name = name
    self.host = host
    self.usedLength = usedLength
    self.region = region
    blockInRegion = block
  }

  func block(at address: UInt64, _ probe: Probe) -> FoundRAMBlock? {
    let bytes = probe.bytes(at: address, upTo: link + 16)
    guard let text = bytes.text(at: name, limit: Self.nameSize), let host = bytes.word(host),
      let count = bytes.word(usedLength), let region = bytes.word(region),
      host.addingReportingOverflow(count).overflow == false
    else { return nil }
    return FoundRAMBlock(address: address, name: text, host: host, count: count, region: region)
  }

  /// `idstr` ends where `next` begins, but for padding.
  private static func name(in elements: [ProbedBytes], link: UInt64) -> UInt64? {
    // The lower one first: a name without its first letters would pass as a name, too.
    for offset in [link &- nameSize &- 4, link &- nameSize] where offset < link {
      let names = elements.compactMap { name(in: $0, at: offset) }
      if names.count == elements.count, names.contains(where: { !$0.isEmpty }) { return offset }
    }
    return nil
  }

  /// The text of an `idstr` at `offset`: nothing but zeros may follow it. Blocks that aren't
  /// migrated have none.
  private static func name(in element: ProbedBytes, at offset: UInt64) -> String? {
    guard let text = element.text(at: offset, limit: nameSize) else { return nil }
    let used = UInt64(text.utf8.count)
    let rest = element.view.clampedSubview(at: offset + used, count: nameSize - used)
    return rest.copy().allSatisfy { $0 == 0 } ? text : nil
  }

  /// Every block has a page-aligned address, and at least one of them is mapped: the dump may have
  /// been made without guest memory.
  private static func host(
    in elements: [ProbedBytes], before name: UInt64, _ process: HostProcess
  ) -> UInt64? {
    stride(from: 16, to: name, by: 8).first { offset in
      let hosts = elements.compactMap { $0.word(offset) }
      return hosts.count == elements.count
        && hosts.allSatisfy { $0 & pageMask == 0 && $0 != 0 && $0 < largest }
        && hosts.contains { process.mapping(containing: VirtualAddress($0)) != nil }
        && Set(hosts).count == hosts.count
    }
  }

  /// `offset`, `used_length` and `max_length`. One block's `offset` is 0, so the three can't be
  /// taken for each other.
  private static func usedLength(
    in elements: [ProbedBytes], from start: UInt64, before name: UInt64
  ) -> UInt64? {
    stride(from: start + 8, to: name, by: 8).first { offset in
      var places: Set<UInt64> = []
      for element in elements {
        guard let place = element.word(offset - 8), let used = element.word(offset),
          let most = element.word(offset + 8), used > 0, used <= most, most < largest,
          (place | used | most) & pageMask == 0, place < largest
        else { return false }
        places.insert(place)
      }
      return places.count == elements.count
    }
  }

  /// `mr`, and in what it points to the member that points back.
  private static func region(
    in elements: [ProbedBytes], _ addresses: [UInt64], before host: UInt64, _ probe: Probe
  ) -> (UInt64, UInt64)? {
    for offset in stride(from: UInt64(0), to: host, by: 8) {
      guard let first = elements[0].word(offset), first & 7 == 0, first != 0 else { continue }
      let back = probe.bytes(at: first, upTo: 256).offsets(of: addresses[0])
      for place in back {
        let isSame = zip(elements, addresses).allSatisfy { element, address in
          guard let region = element.word(offset), region & 7 == 0 else { return false }
          return probe.word(at: region &+ place) == address
        }
        if isSame { return (offset, place) }
      }
    }
    return nil
  }
}
