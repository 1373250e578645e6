/// A command of a target's own.
public struct MonitorCommand: Hashable, Sendable {
  /// One word: `seek`.
  public var name: String
  /// What follows the name, as help shows it: `MOMENT|PERCENT%`; empty if nothing does.
  public var arguments: String
  /// What it does, in a line.
  public var summary: String
  /// Lines that a user might type, name included, for the help about this command alone.
  public var examples: [String]

  public init(
    _ name: String, arguments: String = "", summary: String, examples: [String] = []
  ) {
    self.name = name
    self.arguments = arguments
    self.summary = summary
    self.examples = examples
  }
}

/// A command of a target's own as the user gave it.
public struct MonitorRequest: Hashable, Sendable {
  /// The name in full, even if the user shortened it.
  public var command: String
  /// The words behind the name.
  public var arguments: [String]
  /// The thread that the client looks at.
  public var thread: ThreadID
  /// What is inserted; if that is nothing, what was when the target ran last: at a stop, many clients
  /// have all breakpoints removed.
  public var breakpoints: [Breakpoint]

  public init(
    command: String, arguments: [String], thread: ThreadID, breakpoints: [Breakpoint] = []
  ) {
    self.command = command
    self.arguments = arguments
    self.thread = thread
    self.breakpoints = breakpoints
  }
}
