public import Bytes
public import Symbols

/// Which stacks of a process a report shows.
public enum StackSelection: Hashable, Sendable {
  /// The dump's first thread: the one that got the signal.
  case first(coroutines: Bool)
  case all(coroutines: Bool)
  /// The thread of that number, or else of that thread id.
  case thread(Int)
  case coroutine(VirtualAddress)
}

/// What is shown of each stack.
public struct StackOptions: Hashable, Sendable {
  /// Addresses and symbols only; no debug information is read.
  public var isRaw: Bool
  public var withLocals: Bool
  public var frameArguments: FrameArgumentsMode
  /// The most frames of one stack.
  public var frameLimit: Int

  public init(
    isRaw: Bool = false, withLocals: Bool = false, frameArguments: FrameArgumentsMode = .scalars,
    frameLimit: Int = 10_000
  ) {
    self.isRaw = isRaw
    self.withLocals = withLocals
    self.frameArguments = frameArguments
    self.frameLimit = frameLimit
  }
}
