public import Bytes
public import Symbols
public import Targets

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

/// What was asked for isn't in the dump.
public enum SelectionError: Error, Hashable, Sendable, CustomStringConvertible {
  case noThreads
  case noThread(Int, count: Int)
  case noCoroutine(String)

  public var description: String {
    switch self {
    case .noThreads: "the dump holds no thread"
    case .noThread(let number, let count):
      "no thread has the number or the thread id \(number); there are \(count) threads"
    case .noCoroutine(let address): "no coroutine was found at \(address)"
    }
  }
}

extension Process {
  /// The threads that `selection` names; none if it names a coroutine. Throws if there is no such
  /// thread.
  public func threads(_ selection: StackSelection) throws(SelectionError) -> [TargetThread] {
    switch selection {
    case .all: return threads
    case .coroutine: return []
    case .first:
      guard let thread = threads.first else { throw .noThreads }
      return [thread]
    case .thread(let number):
      if let thread = threads.first(where: { $0.number == number }) { return [thread] }
      if let thread = threads.first(where: { Int($0.lwp) == number }) { return [thread] }
      throw .noThread(number, count: threads.count)
    }
  }
}
