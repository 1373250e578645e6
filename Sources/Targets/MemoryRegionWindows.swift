public import Bytes

extension MemoryRegion {
  /// The part of the region that lies in `range`; nil if there is none.
  public func clipped(to range: Range<VirtualAddress>) -> MemoryRegion? {
    guard !range.isEmpty else { return nil }
    return clipped(from: range.lowerBound.rawValue, through: range.upperBound.rawValue - 1)
  }

  /// Shows the region's bytes, at hand or fetched, in pieces of at most `size` bytes (which isn't 0)
  /// by ascending address, until `body` returns false. What is known to be zero without being read,
  /// and what can't be read, is passed over.
  ///
  /// A piece starts at a multiple of `size` from the region's start, or where something was passed
  /// over: at a page.
  public func forEachWindow(
    of size: UInt64, _ body: (VirtualAddress, ByteView) -> Bool
  ) {
    switch contents {
    case .dumped(let view), .file(let view, _):
      var offset: UInt64 = 0
      while offset < count {
        guard body(start &+ offset, view.clampedSubview(at: offset, count: size)) else { return }
        offset += min(size, count - offset)
      }
    case .fetched(let source, let origin):
      var offset: UInt64 = 0
      while offset < count {
        let run = source.run(at: origin &+ offset, limit: min(size, count - offset))
        if case .bytes(let view) = run, !body(start &+ offset, view) { return }
        // A source that breaks its contract must not make this loop endless.
        offset += min(max(run.count, 1), count - offset)
      }
    case .absent: return
    }
  }

  /// The region as part of a machine's physical memory.
  public var physicalContents: PhysicalSegment.Contents {
    switch contents {
    case .dumped(let view), .file(let view, _): .bytes(view)
    case .fetched(let source, let offset): .source(source, offset: offset)
    case .absent(let reason): .absent(reason)
    }
  }
}

/// Zeros for those who want bytes where there is nothing but zeros.
private let zeros = ByteView(copying: repeatElement(0, count: 1 << 16))

/// Up to `count` zeros; fewer if that is more than are kept at hand.
func zeroBytes(_ count: UInt64) -> ByteView { zeros.clampedSubview(at: 0, count: count) }
