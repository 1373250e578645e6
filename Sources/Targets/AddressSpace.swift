public import Bytes

/// A stretch of virtual memory and where its bytes come from.
public struct MemoryRegion: Sendable {
  /// What is known of the region's bytes.
  public enum Contents: Sendable {
    /// The bytes, from the dump itself.
    case dumped(ByteView)
    /// The bytes, from the file that was mapped there, whose identity was verified.
    case file(ByteView, path: String)
    /// Bytes that aren't mapped here and are fetched when they are wanted, beginning at `offset` of
    /// the source: those of a process that runs.
    case fetched(any PageSource, offset: UInt64)
    /// No bytes, and why.
    case absent(MemoryFault.Reason)
  }

  public let start: VirtualAddress
  /// In bytes; never 0.
  public let count: UInt64
  public let contents: Contents

  public init(start: VirtualAddress, count: UInt64, contents: Contents) {
    self.start = start
    self.count = count
    self.contents = contents
  }

  /// The region's bytes if they are at hand: exactly `count` of them. Nil also for bytes that have
  /// to be fetched, which `forEachWindow` and `AddressSpace.read` do.
  @inlinable
  public var bytes: ByteView? {
    switch contents {
    case .dumped(let view), .file(let view, _): view
    case .fetched, .absent: nil
    }
  }

  /// Whether there are bytes, at hand or to be fetched.
  public var isReadable: Bool {
    if case .absent = contents { return false }
    return true
  }

  /// The first address past the region, or nil if it reaches the very end of the 64-bit space.
  public var end: VirtualAddress? { start.advanced(by: count) }

  /// The region's last address. `AddressSpace` drops regions for which this would wrap round.
  var last: UInt64 { start.rawValue + (count - 1) }

  /// The part of the region from `lower` through `upper`; nil if there is none.
  func clipped(from lower: UInt64, through upper: UInt64) -> MemoryRegion? {
    let first = max(start.rawValue, lower)
    let last = min(last, upper)
    guard first <= last else { return nil }
    let skip = first - start.rawValue
    let length = last - first + 1
    let clippedContents: Contents =
      switch contents {
      case .dumped(let view): .dumped(view.clampedSubview(at: skip, count: length))
      case .file(let view, let path):
        .file(view.clampedSubview(at: skip, count: length), path: path)
      case .fetched(let source, let offset): .fetched(source, offset: offset &+ skip)
      case .absent: contents
      }
    return MemoryRegion(start: VirtualAddress(first), count: length, contents: clippedContents)
  }
}

/// The memory of a process as a dump and the files beside it give it: regions in ascending order
/// that don't overlap.
public final class AddressSpace: Memory {
  public let regions: [MemoryRegion]
  /// The regions' first addresses, apart from them so that a search touches little memory.
  @usableFromInline
  let starts: ContiguousArray<UInt64>

  /// Lays `layers` over each other: where regions overlap, the one in the earlier layer (and within
  /// a layer the one that starts first) is seen. Regions of no bytes, or that wrap round the end of
  /// the space, are dropped.
  public init(layers: [[MemoryRegion]]) {
    var laid: [MemoryRegion] = []
    for layer in layers {
      let usable = layer.filter {
        $0.count > 0 && $0.start.advanced(by: $0.count - 1) != nil
      }
      laid = Self.disjoint(laid + usable.flatMap { Self.uncovered($0, by: laid) })
    }
    regions = laid
    starts = ContiguousArray(laid.map { $0.start.rawValue })
  }

  /// The parts of `region` that no region of `cover` (ascending, disjoint) hides.
  private static func uncovered(_ region: MemoryRegion, by cover: [MemoryRegion]) -> [MemoryRegion]
  {
    var parts: [MemoryRegion] = []
    var next = region.start.rawValue
    for hiding in cover[firstIndex(in: cover, endingAt: next)...] {
      guard hiding.start.rawValue <= region.last else { break }
      if hiding.start.rawValue > next,
        let part = region.clipped(from: next, through: hiding.start.rawValue - 1)
      {
        parts.append(part)
      }
      if hiding.last >= region.last { return parts }
      next = hiding.last + 1
    }
    if let part = region.clipped(from: next, through: region.last) { parts.append(part) }
    return parts
  }

  /// The first index of a region in `cover` whose last byte isn't before `address`.
  private static func firstIndex(in cover: [MemoryRegion], endingAt address: UInt64) -> Int {
    var low = 0
    var high = cover.count
    while low < high {
      let middle = (low + high) / 2
      if cover[middle].last < address { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The regions by ascending address, each cut where one that starts earlier still reaches.
  private static func disjoint(_ regions: [MemoryRegion]) -> [MemoryRegion] {
    var result: [MemoryRegion] = []
    for region in regions.sorted(by: { $0.start < $1.start }) {
      guard let end = result.last?.last, region.start.rawValue <= end else {
        result.append(region)
        continue
      }
      if region.last > end, let rest = region.clipped(from: end + 1, through: region.last) {
        result.append(rest)
      }
    }
    return result
  }

  /// The index of the region that holds `address`; nil if nothing is mapped there.
  @inlinable
  func regionIndex(containing address: UInt64) -> Int? {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address - starts[low - 1] < regions[low - 1].count else { return nil }
    return low - 1
  }

  /// The region that holds `address`; nil if nothing is mapped there.
  public func region(containing address: VirtualAddress) -> MemoryRegion? {
    regionIndex(containing: address.rawValue).map { regions[$0] }
  }

  /// The first region that starts after `address`.
  public func firstRegion(after address: VirtualAddress) -> MemoryRegion? {
    let next = partition(regions.count) { regions[$0].start <= address }
    return next < regions.count ? regions[next] : nil
  }

  /// The bytes at `address`: at least one, at most `limit` (which isn't 0), and none past the end of
  /// its region.
  @inlinable
  func part(at address: VirtualAddress, limit: UInt64) throws(MemoryFault) -> ByteView {
    guard let index = regionIndex(containing: address.rawValue) else {
      throw MemoryFault(address: address, reason: .unmapped)
    }
    let region = regions[index]
    let skip = address.rawValue - region.start.rawValue
    switch region.contents {
    case .dumped(let view), .file(let view, _):
      return view.clampedSubview(at: skip, count: limit)
    case .fetched(let source, let offset):
      return try fetch(
        from: source, at: offset &+ skip, limit: min(limit, region.count - skip), for: address)
    case .absent(let reason):
      throw MemoryFault(address: address, reason: reason)
    }
  }

  @usableFromInline
  func fetch(
    from source: any PageSource, at offset: UInt64, limit: UInt64, for address: VirtualAddress
  ) throws(MemoryFault) -> ByteView {
    switch source.run(at: offset, limit: limit) {
    case .bytes(let view) where !view.isEmpty: return view.clampedSubview(at: 0, count: limit)
    case .zeros(let count) where count > 0: return zeroBytes(min(count, limit))
    case .absent(let reason, _): throw MemoryFault(address: address, reason: reason)
    // A source that breaks its contract must not make a reader's loop endless.
    case .bytes, .zeros: throw MemoryFault(address: address, reason: .unmapped)
    }
  }

  /// The bytes from `address` to the end of its region, but at most `limit`, fetched if need be; nil
  /// if there are none.
  func rest(at address: VirtualAddress, limit: UInt64) -> ByteView? {
    guard let region = region(containing: address), region.isReadable,
      let skip = address.offset(from: region.start)
    else { return nil }
    do throws(MemoryFault) {
      return try readAvailable(address, count: min(limit, region.count - skip))
    } catch {
      return nil  // Not even the first byte could be fetched: there is nothing.
    }
  }

  public func read(
    _ address: VirtualAddress, count: UInt64
  ) throws(MemoryFault) -> ByteView {
    if count == 0 { return .empty }
    let first = try part(at: address, limit: count)
    if UInt64(first.count) >= count { return first }
    // Across regions: collect first which views there are, so that a count that lies allocates
    // nothing before it is known to be covered.
    var parts = [first]
    var have = UInt64(first.count)
    while have < count {
      guard let next = address.advanced(by: have) else {
        throw MemoryFault(address: address, reason: .unmapped)
      }
      let part = try part(at: next, limit: count - have)
      parts.append(part)
      have += UInt64(part.count)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(count))
    for part in parts { bytes.append(contentsOf: part.copy()) }
    return ByteView(copying: bytes)
  }

  @inlinable
  public func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 {
    guard let index = regionIndex(containing: address.rawValue) else {
      throw MemoryFault(address: address, reason: .unmapped)
    }
    let region = regions[index]
    let offset = address.rawValue - region.start.rawValue
    if let view = region.bytes, region.count - offset >= 8 {
      do throws(ByteError) {
        return try view.load(UInt64.self, at: offset)
      } catch {
        throw MemoryFault(address: address, reason: .truncated)
      }
    }
    let bytes = try read(address, count: 8)
    do throws(ByteError) {
      return try bytes.load(UInt64.self, at: 0)
    } catch {
      throw MemoryFault(address: address, reason: .truncated)
    }
  }
}
