import Bytes
import Targets

/// Lays stretches of physical memory over each other, as dumps that describe some memory twice (by
/// each of its virtual addresses) do: bytes win over their absence, and of two stretches of bytes
/// the one that starts first is seen.
struct PhysicalLayers {

  private var present: [PhysicalSegment] = []
  private var absent: [PhysicalSegment] = []

  mutating func add(_ segment: PhysicalSegment) {
    guard segment.count > 0 else { return }
    if case .absent = segment.contents {
      absent.append(segment)
    } else {
      present.append(segment)
    }
  }

  /// All segments: ascending, without overlaps.
  func segments() -> [PhysicalSegment] {
    let bytes = PhysicalMemory(present).segments
    let gaps = PhysicalMemory(absent).segments.flatMap { Self.uncovered($0, by: bytes) }
    return (bytes + gaps).sorted { $0.start < $1.start }
  }

  /// The parts of `segment`, which has no bytes, that no segment of `cover` (ascending, disjoint)
  /// hides.
  private static func uncovered(
    _ segment: PhysicalSegment, by cover: [PhysicalSegment]
  ) -> [PhysicalSegment] {
    let last = segment.start.rawValue + (segment.count - 1)
    var next = segment.start.rawValue
    var parts: [PhysicalSegment] = []
    func keep(through end: UInt64) {
      parts.append(
        PhysicalSegment(
          start: PhysicalAddress(next), count: end - next + 1, contents: segment.contents))
    }
    var low = 0
    var high = cover.count
    while low < high {
      let middle = (low + high) / 2
      if cover[middle].end < next { low = middle + 1 } else { high = middle }
    }
    for hiding in cover[low...] {
      let first = hiding.start.rawValue
      guard first <= last else { break }
      if first > next { keep(through: first - 1) }
      if hiding.end >= last { return parts }
      next = hiding.end + 1
    }
    keep(through: last)
    return parts
  }

  /// The ranges that `segments` cover, as a map of RAM. What touches is one range, unless one of
  /// `borders` lies between: QEMU's dumps have one PT_LOAD for each of its blocks of memory.
  static func map(
    of segments: [PhysicalSegment], borders: Set<UInt64> = []
  ) -> [MemoryMapEntry] {
    var ranges: [(start: UInt64, last: UInt64)] = []
    for segment in segments {
      let start = segment.start.rawValue
      if let end = ranges.last?.last, end &+ 1 == start, !borders.contains(start) {
        ranges[ranges.count - 1].last = segment.end
      } else {
        ranges.append((start, segment.end))
      }
    }
    return ranges.map {
      MemoryMapEntry(start: PhysicalAddress($0.start), count: $0.last - $0.start + 1, kind: .ram)
    }
  }
}

extension PhysicalSegment {
  /// The last address; a segment in a `PhysicalMemory` never wraps round.
  var end: UInt64 { start.rawValue + (count - 1) }
}
