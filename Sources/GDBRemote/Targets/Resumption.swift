public import Bytes

/// How a target is to run on.
public struct Resumption: Hashable, Sendable {
  public enum Direction: Hashable, Sendable { case forward, backward }

  public enum Extent: Hashable, Sendable {
    /// One instruction.
    case step
    /// One instruction, and on while the next one lies in this range, whose end isn't part of it.
    case stepping(while: Range<VirtualAddress>)
    /// Until something stops it.
    case unlimited
  }

  public var direction: Direction
  public var extent: Extent
  /// The thread whose instructions a step counts.
  public var thread: ThreadID
  /// Everything that is to stop it, in ascending order of address, without duplicates. A breakpoint on
  /// the very instruction to be run first doesn't count: its stop is where this begins.
  public var breakpoints: [Breakpoint]

  public init(
    _ direction: Direction, _ extent: Extent, thread: ThreadID, breakpoints: [Breakpoint] = []
  ) {
    self.direction = direction
    self.extent = extent
    self.thread = thread
    self.breakpoints = breakpoints
  }
}
