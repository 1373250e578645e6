public import Bytes

/// Why a target isn't running.
public enum StopReason: Hashable, Sendable {
  /// It was found so, a step is done, or it got to where it was sent.
  case paused
  /// The client's Ctrl-C.
  case interrupted
  /// The next instruction carries a breakpoint; nil if of an unknown kind.
  case breakpoint(Breakpoint.Kind?)
  /// Memory at `address` was or is about to be touched in the way that a watchpoint of `kind` watches.
  ///
  /// Forwards, the stop is after the instruction that did it; backwards, before. In both cases it has
  /// been crossed in the direction of travel, which is how gdb tells old value from new.
  case watchpoint(Breakpoint.Kind, address: VirtualAddress)
  /// Nothing is known of what came before.
  case beginning
  /// What is recorded ends here.
  case end
  /// The signal that ended or stopped a process, by gdb's numbers, which for the classic ones are
  /// Linux's (gdb, include/gdb/signals.def).
  case signal(UInt8)
  /// It is gone, with this exit status.
  case exited(status: UInt8)
}

/// A target at rest: which thread is concerned, and why.
public struct Stop: Hashable, Sendable {
  public var reason: StopReason
  public var thread: ThreadID

  public init(_ reason: StopReason, thread: ThreadID) {
    self.reason = reason
    self.thread = thread
  }
}
