internal import Bytes
public import HostSystem

extension PhysicalMemory {
  /// Holes that are shorter stay bytes: they cost less to read than to keep account of.
  private static let leastHole: UInt64 = 1 << 16
  private static let page: UInt64 = 4096

  /// The same memory, but what is seen of `file` and is a hole there is `.zeros`, which nobody has
  /// to read. Pages stay whole: each is either bytes or zeros. Memory that isn't seen in `file`
  /// stays as it is.
  public func markingHoles(of file: MappedFile) throws(HostError) -> PhysicalMemory {
    var marked: [PhysicalSegment] = []
    marked.reserveCapacity(segments.count)
    for segment in segments {
      guard case .bytes(let view) = segment.contents, view.storage === file.bytes.storage,
        segment.count >= Self.leastHole
      else {
        marked.append(segment)
        continue
      }
      let start = UInt64(view.storageOffset)
      let data = try file.file.dataRanges(in: start..<start + segment.count)
      Self.append(
        segment, withDataAt: data.lazy.map { $0.lowerBound - start..<$0.upperBound - start },
        to: &marked)
    }
    return PhysicalMemory(marked)
  }

  /// Appends `segment` in parts: bytes where `data` (offsets in the segment, ascending) says so,
  /// else zeros.
  private static func append(
    _ segment: PhysicalSegment, withDataAt data: some Sequence<Range<UInt64>>,
    to marked: inout [PhysicalSegment]
  ) {
    let phase = segment.start.rawValue % page
    var bytesStart: UInt64 = 0
    var bytesEnd: UInt64 = 0
    // Between the runs of bytes, `bytesStart..<bytesEnd`, lie the zeros.
    func appendPart(_ range: Range<UInt64>, isZero: Bool) {
      guard !range.isEmpty else { return }
      let last = segment.start.rawValue + (range.upperBound - 1)
      let part = segment.clipped(
        from: segment.start.rawValue + range.lowerBound, through: last)
      marked.append(
        isZero
          ? PhysicalSegment(start: part.start, count: part.count, contents: .zeros) : part)
    }
    for range in data {
      // Outwards to the borders of guest pages.
      let lower = range.lowerBound - min((range.lowerBound + phase) % page, range.lowerBound)
      let upper = min(
        range.upperBound + (page - (range.upperBound + phase) % page) % page, segment.count)
      if lower > bytesEnd, lower - bytesEnd >= leastHole {
        appendPart(bytesStart..<bytesEnd, isZero: false)
        appendPart(bytesEnd..<lower, isZero: true)
        bytesStart = lower
      }
      bytesEnd = max(bytesEnd, upper)
    }
    if segment.count - bytesEnd >= leastHole {
      appendPart(bytesStart..<bytesEnd, isZero: false)
      appendPart(bytesEnd..<segment.count, isZero: true)
    } else {
      appendPart(bytesStart..<segment.count, isZero: false)
    }
  }
}
