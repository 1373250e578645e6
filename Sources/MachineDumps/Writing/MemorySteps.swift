internal import Bytes
internal import Targets

extension PhysicalMemory {
  /// Shows all of `range`, from front to back: bytes in runs of at most `bytesLimit`, zeros and
  /// absent memory as long as they are, for a map may claim any amount of those.
  func forEachStep<Failure: Error>(
    in range: Range<PhysicalAddress>, bytesLimit: UInt64,
    _ body: (PhysicalAddress, MemoryRun) throws(Failure) -> Void
  ) throws(Failure) {
    var next = range.lowerBound
    while next < range.upperBound {
      let left = range.upperBound.rawValue - next.rawValue
      var step = run(at: next, limit: min(left, bytesLimit))
      if step.count >= bytesLimit, left > bytesLimit {
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
