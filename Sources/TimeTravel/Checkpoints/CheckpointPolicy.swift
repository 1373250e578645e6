/// Where checkpoints are worth having, and how many.
///
/// Around the place where the user works they lie densely; away from it the distance between two grows
/// with the distance from there, so that a few dozen suffice for any recording.
public struct CheckpointPolicy: Sendable {
  /// The most checkpoints at a time, the user's own included.
  public var maximumCount = 48
  /// The most bytes on disk, the user's own checkpoints included.
  public var maximumBytes: UInt64 = 8 << 30
  /// A long run forwards spends one part in this many on saving checkpoints.
  public var runsPerSave = 12.0
  /// How many single steps one pass records for the reverse steps to come.
  public var traceLength: UInt64 = 128
  /// How often an engine that ends is started again while serving one request.
  public var restartLimit = 4
  /// How far to go on where a checkpoint can't be saved, in instructions, and how often.
  public var retryStride: UInt64 = 1000
  public var retryLimit = 8
  /// What to assume of the engine before it has shown it.
  public var assumedCosts = EngineCosts()

  public init() {}

  /// How many instructions after the checkpoint at `base` the next one should come.
  ///
  /// - Parameters:
  ///   - focus: where the run ends and work will go on; nil for a run that may end anywhere.
  ///   - passes: how many passes have begun at `base` so far.
  func spacing(
    after base: Moment, focus: Moment?, costs: EngineCosts, passes: Int
  ) -> UInt64 {
    let far = costs.instructions(in: costs.save * runsPerSave)
    guard let focus, focus > base else { return far }
    let distance = base.distance(to: focus)
    // Closer than this, replaying the way takes no longer than saving a checkpoint. Where many passes
    // were made as many more will come, and all of them gain.
    let near = max(
      costs.instructions(in: costs.save / Double(max(passes, 1))), traceLength.saturatingMultiply(4)
    )
    return max(near, min(far, distance / 2))
  }

  /// Which of `checkpoints`, in order of moments, is missed least: the one whose loss adds least to a
  /// way, relative to its distance from `focus`. Nil if all are pinned.
  func victim(
    among checkpoints: [Checkpoint], beginning: Moment, focus: Moment
  ) -> Int? {
    var best: (index: Int, loss: Double)?
    for (index, checkpoint) in checkpoints.enumerated() where !checkpoint.isPinned {
      let before = index > 0 ? checkpoints[index - 1].moment : beginning
      let added = Double(before.distance(to: checkpoint.moment))
      let loss = added / (Double(checkpoint.moment.distance(to: focus)) + 1)
      if loss < best?.loss ?? .infinity { best = (index, loss) }
    }
    return best?.index
  }
}
