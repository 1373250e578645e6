internal import Bytes
internal import Targets

extension PhysicalMemory {
  /// Shows all of `range`, from front to back: bytes in runs of at most `bytesLimit`, zeros and
  /// absent memory as long as they are, for a map may claim any amount of those.
  ///
  /// Runs of bytes end where the address plus `phase`, which may wrap, is a multiple of `bytesLimit`.
  func forEachStep<Failure: Error>(
    in range: Range<PhysicalAddress>, bytesLimit: UInt64, phase: UInt64 = 0,
    _ body: (PhysicalAddress, MemoryRun) throws(Failure) -> Void
  ) throws(Failure) {
    var next = range.lowerBound
    while next < range.upperBound {
      let left = range.upperBound.rawValue - next.rawValue
      let limit = bytesLimit - (next.rawValue &+ phase) % bytesLimit
      var step = run(at: next, limit: min(left, limit))
      if step.count >= limit, left > limit {
        switch step {
        case .bytes: break
        case .zeros, .absent: step = run(at: next, limit: left)
        }
      }
      // A source that breaks its contract must not make this loop endless or overshoot.
      guard step.count > 0, step.count <= left else {
        try body(next, .absent(.unmapped, count: left))
        return
      }
      try body(next, step)
      next = next &+ step.count
    }
  }
}
