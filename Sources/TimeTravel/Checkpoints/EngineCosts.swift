/// How long an engine takes for what it does, as seen so far.
public struct EngineCosts: Hashable, Sendable {
  /// Nanoseconds for one instruction, averaged over the last seconds.
  public private(set) var instruction: Double
  /// Nanoseconds for saving a checkpoint.
  public private(set) var save: Double
  /// Nanoseconds for restoring one.
  public private(set) var restore: Double

  private var recentInstructions: Double
  private var recentTime: Double

  /// What to assume before anything was seen. The defaults are QEMU's with a guest of 256 MiB.
  public init(
    instruction: Duration = .nanoseconds(5), save: Duration = .milliseconds(250),
    restore: Duration = .milliseconds(150)
  ) {
    self.instruction = max(instruction.inNanoseconds, 1e-3)
    self.save = save.inNanoseconds
    self.restore = restore.inNanoseconds
    // The assumption weighs as much as a tenth of a second.
    recentTime = 1e8
    recentInstructions = recentTime / self.instruction
  }

  mutating func noteRun(of count: UInt64, taking time: Duration) {
    recentInstructions += Double(count)
    recentTime += max(time.inNanoseconds, 0)
    instruction = max(recentTime / recentInstructions, 1e-3)
    // What is older than a few seconds fades: a guest computes at one time and sleeps at another.
    if recentTime > 4e9 {
      recentTime /= 2
      recentInstructions /= 2
    }
  }

  mutating func noteSave(taking time: Duration) { save = (save + time.inNanoseconds) / 2 }

  mutating func noteRestore(taking time: Duration) { restore = (restore + time.inNanoseconds) / 2 }

  /// How many instructions are replayed in `nanoseconds`; at least one.
  func instructions(in nanoseconds: Double) -> UInt64 {
    let count = nanoseconds / instruction
    return count < 1 ? 1 : count < 1e18 ? UInt64(count) : 1_000_000_000_000_000_000
  }
}

extension Duration {
  var inNanoseconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) * 1e9 + Double(attoseconds) / 1e9
  }
}
