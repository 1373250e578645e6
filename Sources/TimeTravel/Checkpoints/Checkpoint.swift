/// A state that the engine can go back to: always the first one of its moment, and without breakpoints.
public struct Checkpoint: Hashable, Sendable {
  public let name: CheckpointName
  public let moment: Moment
  /// On disk.
  public let bytes: UInt64
  /// The user asked for it: it isn't dropped to make room.
  public internal(set) var isPinned: Bool
  let digest: StateDigest
}

/// A position with a name.
public struct Bookmark: Hashable, Sendable {
  public let name: String
  public let moment: Moment
  /// Which of the states that share the moment.
  let digest: StateDigest
}
