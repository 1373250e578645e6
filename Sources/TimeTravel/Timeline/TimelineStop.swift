public import Bytes

/// Where and why a movement through the recording ended.
public struct TimelineStop: Hashable, Sendable {
  public enum Reason: Hashable, Sendable {
    /// The movement that was asked for is complete.
    case done
    /// The instruction at this address is about to be executed (forwards) or was just undone
    /// (backwards).
    case breakpoint(VirtualAddress)
    /// Forwards: the instruction before this position accessed the watched memory. Backwards: the
    /// instruction *at* this position will, and memory is as it was before: gdb expects a reverse stop
    /// before the access, as x86 forward stops come after it.
    case watchpoint(Watchpoint)
    /// The earliest moment of the recording: there is nothing before it.
    case beginning
    /// The last moment of the recording.
    case end
    /// The user interrupted it. Searches return to where they began; a forward run stays where it is.
    case interrupted
  }

  public let reason: Reason
  public let moment: Moment

  public init(_ reason: Reason, at moment: Moment) {
    self.reason = reason
    self.moment = moment
  }
}
