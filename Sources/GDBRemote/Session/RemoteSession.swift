/// One client's conversation with a target, without the connection: bytes in, actions out.
public struct RemoteSession {
  /// What whoever owns the connection is to do, in this order.
  public enum Action: Hashable, Sendable {
    /// Send these bytes.
    case send([UInt8])
    /// Begin this in a task of its own, go on receiving, and tell `commandEnded` when it is done. There
    /// is never more than one.
    case start(RemoteCommand)
    /// Cancel the task that was started last.
    case interrupt
    /// The conversation is over: cancel what runs, close the connection.
    case close
  }

  let target: any DebuggableTarget

  public init(target: any DebuggableTarget) { self.target = target }

  /// Takes what arrived.
  public mutating func receive(_ bytes: [UInt8]) async -> [Action] { [] }

  /// Takes what the running command prints.
  public mutating func commandPrinted(_ text: String) -> [Action] { [] }

  /// Takes how the running command ended.
  public mutating func commandEnded(_ outcome: CommandOutcome) async -> [Action] { [] }
}

/// What a target does for long enough to be interrupted.
public enum RemoteCommand: Hashable, Sendable {
  case resume(Resumption)
  case monitor(MonitorRequest)
}

/// How a command ended.
public enum CommandOutcome: Hashable, Sendable {
  case stopped(Stop)
  case printed(String)
  case failed(TargetError)
}
