import Bytes
import Targets

/// What is known of the contents of a QEMU process's memory, seen as the contents of RAM blocks.
struct HostContents {
  /// The dump's own bytes; where there are none, stand-ins; else why there are none.
  private let space: AddressSpace
  private let process: Process
  private static let last = VirtualAddress(.max)

  init(_ process: Process, standIns: [HostStandIn]) {
    self.process = process
    guard !standIns.isEmpty else {
      space = process.memory
      return
    }
    space = AddressSpace(layers: [
      process.memory.regions.filter(\.isReadable),
      standIns.map {
        MemoryRegion(
          start: $0.start, count: UInt64($0.bytes.count),
          contents: .file($0.bytes, path: $0.source))
      },
      process.memory.regions.filter { !$0.isReadable },
    ])
  }

  /// A stretch of host memory all of whose bytes have the same fate.
  struct Part {
    let start: VirtualAddress
    let count: UInt64
    let contents: PhysicalSegment.Contents
  }

  /// The `count` bytes of a block's at `start`, in ascending order and without gaps.
  ///
  /// A block is one stretch of mappings, behind which QEMU leaves a page that may not be touched
  /// (util/mmap-alloc.c, `qemu_ram_mmap`). What lies behind the first such page, or behind the first
  /// gap, isn't the block's, however long it claims to be.
  ///
  /// - Parameters:
  ///   - blockStart: where the block begins; not after `start`.
  ///   - blockEnd: what `end(ofBlockAt:)` says of it.
  func parts(
    of start: VirtualAddress, count: UInt64, blockStart: VirtualAddress, blockEnd: VirtualAddress
  ) -> [Part] {
    let known = min(blockEnd.offset(from: start) ?? 0, count)
    var parts: [Part] = []
    var done: UInt64 = 0
    while done < known {
      let part = part(at: start &+ done, limit: known - done)
      parts.append(part)
      done += part.count
    }
    if done < count {
      // A block of which nothing at all is known was left out of the dump, mapping and all.
      let reason: MemoryFault.Reason = blockEnd == blockStart ? .excluded : .unmapped
      parts.append(Part(start: start &+ done, count: count - done, contents: .absent(reason)))
    }
    return parts
  }

  /// The first address past `start` at which nothing is mapped, or a page that may not be touched:
  /// `start` itself if nothing is known of it, the last address if there is no end.
  func end(ofBlockAt start: VirtualAddress) -> VirtualAddress {
    var next = start
    // Both lists are finite and each step leaves one of their elements behind.
    while true {
      if let mapping = process.mapping(containing: next) {
        if mapping.protection == [] { return next }
        guard let end = mapping.start.advanced(by: mapping.count) else { return Self.last }
        next = end
      } else if let region = space.region(containing: next) {
        guard let end = region.end else { return Self.last }
        next = end
      } else {
        return next
      }
    }
  }

  /// What lies at `address`, as far as it has the same fate, at most `limit` bytes.
  private func part(at address: VirtualAddress, limit: UInt64) -> Part {
    guard let region = space.region(containing: address),
      let skip = address.offset(from: region.start)
    else { return unheld(at: address, limit: limit) }
    let count = min(limit, region.count - skip)
    let reason: MemoryFault.Reason
    switch region.contents {
    case .dumped(let bytes), .file(let bytes, _):
      return Part(
        start: address, count: count,
        contents: .bytes(bytes.clampedSubview(at: skip, count: count)))
    case .fetched(let source, let offset):
      return Part(
        start: address, count: count, contents: .source(source, offset: offset &+ skip))
    case .absent(let why): reason = why
    }
    // A file's page that was left out can be had from the file, which is worth telling.
    guard reason == .excluded, let mapping = process.mapping(containing: address),
      let path = mapping.path, let before = address.offset(from: mapping.start)
    else { return Part(start: address, count: count, contents: .absent(reason)) }
    return Part(
      start: address, count: min(count, mapping.count - before),
      contents: .absent(.fileAbsent(path: path)))
  }

  /// What lies at `address`, of which only a mapping is known, up to where contents are.
  private func unheld(at address: VirtualAddress, limit: UInt64) -> Part {
    let mapping = process.mapping(containing: address)
    var count = limit
    if let mapping, let before = address.offset(from: mapping.start) {
      count = min(count, mapping.count - before)
    }
    let next = firstRegionIndex(after: address)
    if next < space.regions.count, let distance = space.regions[next].start.offset(from: address) {
      count = min(count, distance)
    }
    let reason = mapping?.path.map { MemoryFault.Reason.fileAbsent(path: $0) } ?? .excluded
    return Part(start: address, count: max(count, 1), contents: .absent(reason))
  }

  private func firstRegionIndex(after address: VirtualAddress) -> Int {
    var low = 0
    var high = space.regions.count
    while low < high {
      let middle = (low + high) / 2
      if space.regions[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The file and the place in it that `address` is mapped from.
  func file(at address: VirtualAddress) -> (path: String, offset: FileOffset)? {
    guard let mapping = process.mapping(containing: address), let path = mapping.path,
      let start = mapping.fileOffset, let skip = address.offset(from: mapping.start),
      let offset = start.advanced(by: skip)
    else { return nil }
    return (path, offset)
  }
}
