internal import Glibc

extension RawSpan {
  /// Whether every byte is zero.
  public var isZero: Bool { isZero(in: 0..<byteCount) }

  /// Whether every byte of `range`, which must lie in the span, is zero.
  func isZero(in range: Range<Int>) -> Bool {
    let part = extracting(range)
    // Safe: compared within its own length only.
    return unsafe part.withUnsafeBytes { buffer in
      guard let first = unsafe buffer.first else { return true }
      // A first byte of zero and each byte equal to the one before: memcmp is the fastest loop.
      return unsafe first == 0
        && (buffer.count == 1
          || memcmp(buffer.baseAddress!, buffer.baseAddress! + 1, buffer.count - 1) == 0)
    }
  }

  /// Shows the runs of blocks that aren't all zero to `body`, from front to back and as long as they
  /// can be. Blocks are those of the place that the bytes belong to: they begin where `offset` plus
  /// the index is a multiple of `blockSize` (a power of two), so the first and the last may be
  /// shorter.
  public func forEachDataRun<Failure: Error>(
    at offset: UInt64, blockSize: Int = 4096, _ body: (Range<Int>) throws(Failure) -> Void
  ) throws(Failure) {
    var start = 0
    var next = 0
    while next < byteCount {
      let phase = Int(truncatingIfNeeded: offset &+ UInt64(next)) & (blockSize - 1)
      let end = min(next + blockSize - phase, byteCount)
      if isZero(in: next..<end) {
        if start < next { try body(start..<next) }
        start = end
      }
      next = end
    }
    if start < byteCount { try body(start..<byteCount) }
  }
}
