public import Bytes

/// Why physical memory couldn't be read.
public struct PhysicalFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// The first byte that couldn't be read.
  public let address: PhysicalAddress
  public let reason: MemoryFault.Reason

  public init(address: PhysicalAddress, reason: MemoryFault.Reason) {
    self.address = address
    self.reason = reason
  }

  public var description: String {
    switch reason {
    case .unmapped: "there is no memory at physical address \(address)"
    case .truncated: "the dump ends before the contents of physical address \(address)"
    case .excluded: "physical address \(address) was left out of the dump"
    case .fileAbsent(let path):
      "physical address \(address) belongs to \(path), which was not dumped and isn't at hand"
    }
  }
}

/// A stretch of memory all of whose bytes have the same fate.
public enum MemoryRun: Sendable {
  /// The bytes themselves.
  case bytes(ByteView)
  /// As many bytes, all known to be zero without being read: a hole of a file, a page that a dump
  /// shares with all zero pages.
  case zeros(count: UInt64)
  /// As many bytes that can't be had, and why.
  case absent(MemoryFault.Reason, count: UInt64)

  /// In bytes.
  public var count: UInt64 {
    switch self {
    case .bytes(let view): UInt64(view.count)
    case .zeros(let count), .absent(_, let count): count
    }
  }
}

/// Memory that isn't mapped and has to be fetched: the pages of a compressed dump, the memory of a
/// process that runs. May be asked by several threads at once.
public protocol PageSource: Sendable {
  /// What there is at `offset`: at least one byte, at most `limit` (which isn't 0), and all with the
  /// same fate.
  func run(at offset: UInt64, limit: UInt64) -> MemoryRun

  /// How many of the `count` bytes from `offset` on the source has, found out without fetching them:
  /// all, unless it knows better.
  func presentCount(from offset: UInt64, count: UInt64) -> UInt64
}

extension PageSource {
  public func presentCount(from offset: UInt64, count: UInt64) -> UInt64 { count }
}

/// A stretch of physical memory and where its bytes come from.
public struct PhysicalSegment: Sendable {
  public enum Contents: Sendable {
    /// The bytes: exactly as many as the segment has.
    case bytes(ByteView)
    /// Zeros that needn't be read.
    case zeros
    /// To be fetched, beginning at `offset` of the source.
    case source(any PageSource, offset: UInt64)
    /// No bytes, and why.
    case absent(MemoryFault.Reason)
  }

  public let start: PhysicalAddress
  /// In bytes; never 0.
  public let count: UInt64
  public let contents: Contents

  public init(start: PhysicalAddress, count: UInt64, contents: Contents) {
    self.start = start
    self.count = count
    self.contents = contents
  }

  /// The last address. `PhysicalMemory` drops segments for which this would wrap round.
  var last: UInt64 { start.rawValue + (count - 1) }

  /// The part from `lower` through `upper`, both within the segment.
  func clipped(from lower: UInt64, through upper: UInt64) -> PhysicalSegment {
    let skip = lower - start.rawValue
    let length = upper - lower + 1
    let clippedContents: Contents =
      switch contents {
      case .bytes(let view): .bytes(view.clampedSubview(at: skip, count: length))
      case .source(let source, let offset): .source(source, offset: offset &+ skip)
      case .zeros, .absent: contents
      }
    return PhysicalSegment(start: PhysicalAddress(lower), count: length, contents: clippedContents)
  }
}

/// A machine's physical memory: segments in ascending order that don't overlap. What no segment
/// covers isn't memory: devices, or nothing at all.
public final class PhysicalMemory: Sendable {
  public let segments: [PhysicalSegment]
  /// The segments' first addresses, apart from them so that a search touches little memory.
  private let starts: ContiguousArray<UInt64>

  /// Where segments overlap, the one that starts first is seen. Segments of no bytes, that wrap
  /// round the end of the space, or whose view has another size than they claim, are dropped.
  public init(_ segments: [PhysicalSegment]) {
    var laid: [PhysicalSegment] = []
    laid.reserveCapacity(segments.count)
    let usable = segments.filter(Self.isUsable)
    for segment in usable.sorted(by: { $0.start < $1.start }) {
      guard let end = laid.last?.last, segment.start.rawValue <= end else {
        laid.append(segment)
        continue
      }
      if segment.last > end { laid.append(segment.clipped(from: end + 1, through: segment.last)) }
    }
    self.segments = laid
    starts = ContiguousArray(laid.map { $0.start.rawValue })
  }

  private static func isUsable(_ segment: PhysicalSegment) -> Bool {
    guard segment.count > 0, segment.start.advanced(by: segment.count - 1) != nil else {
      return false
    }
    if case .bytes(let view) = segment.contents { return UInt64(view.count) == segment.count }
    return true
  }

  /// The index of the first segment that doesn't end before `address`.
  private func firstIndex(endingAt address: UInt64) -> Int {
    let next = partition(starts.count) { starts[$0] <= address }
    if next > 0, address - starts[next - 1] < segments[next - 1].count { return next - 1 }
    return next
  }

  /// The segments that reach into `range`, in ascending order.
  public func segments(in range: Range<PhysicalAddress>) -> ArraySlice<PhysicalSegment> {
    guard !range.isEmpty else { return [] }
    let first = firstIndex(endingAt: range.lowerBound.rawValue)
    let end = partition(starts.count) { starts[$0] < range.upperBound.rawValue }
    return segments[first..<max(first, end)]
  }

  /// What there is at `address`: at least one byte, at most `limit` (which isn't 0), and all with
  /// the same fate.
  public func run(at address: PhysicalAddress, limit: UInt64) -> MemoryRun {
    let index = firstIndex(endingAt: address.rawValue)
    guard index < segments.count else { return .absent(.unmapped, count: limit) }
    let segment = segments[index]
    guard let skip = address.offset(from: segment.start) else {
      return .absent(.unmapped, count: min(limit, segment.start.rawValue - address.rawValue))
    }
    let count = min(limit, segment.count - skip)
    switch segment.contents {
    case .bytes(let view): return .bytes(view.clampedSubview(at: skip, count: count))
    case .zeros: return .zeros(count: count)
    case .source(let source, let offset): return source.run(at: offset &+ skip, limit: count)
    case .absent(let reason): return .absent(reason, count: count)
    }
  }

  /// Shows all of `range`, from front to back, as runs of at most `limit` bytes.
  public func forEachRun<Failure: Error>(
    in range: Range<PhysicalAddress>, limit: UInt64 = .max,
    _ body: (PhysicalAddress, MemoryRun) throws(Failure) -> Void
  ) throws(Failure) {
    var next = range.lowerBound
    while next < range.upperBound {
      let left = range.upperBound.rawValue - next.rawValue
      let run = run(at: next, limit: min(left, limit))
      // A source that breaks its contract must not make this loop endless or overshoot.
      let count = min(max(run.count, 1), left)
      try body(next, run)
      next = next &+ count
    }
  }

  /// The `count` bytes at `address`, copied only if they don't lie together. Throws at the first
  /// byte that's missing.
  public func read(
    _ address: PhysicalAddress, count: UInt64
  ) throws(PhysicalFault) -> ByteView {
    if count == 0 { return .empty }
    let first = run(at: address, limit: count)
    if case .bytes(let view) = first, UInt64(view.count) >= count {
      return view.clampedSubview(at: 0, count: count)
    }
    // Collect first which runs there are, so that a count that lies allocates nothing before it is
    // known to be covered.
    var parts: [MemoryRun] = []
    var have: UInt64 = 0
    while have < count {
      guard let next = address.advanced(by: have) else {
        throw PhysicalFault(address: address, reason: .unmapped)
      }
      let part = have == 0 ? first : run(at: next, limit: count - have)
      if case .absent(let reason, _) = part { throw PhysicalFault(address: next, reason: reason) }
      guard part.count > 0 else { throw PhysicalFault(address: next, reason: .unmapped) }
      parts.append(part)
      have += part.count
    }
    return Self.joined(parts, count: Int(count))
  }

  private static func joined(_ parts: [MemoryRun], count: Int) -> ByteView {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for part in parts {
      switch part {
      case .bytes(let view): bytes.append(contentsOf: view.copy())
      case .zeros(let zeros): bytes.append(contentsOf: repeatElement(0, count: Int(zeros)))
      case .absent: break
      }
    }
    return ByteView(copying: bytes.prefix(count))
  }

  /// The 64-bit little-endian word at `address`, which needn't be aligned.
  public func word(at address: PhysicalAddress) throws(PhysicalFault) -> UInt64 {
    let bytes = try read(address, count: 8)
    do throws(ByteError) {
      return try bytes.load(UInt64.self, at: 0)
    } catch {
      throw PhysicalFault(address: address, reason: .truncated)
    }
  }
}
