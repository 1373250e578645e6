public import Bytes

/// Something that stops a target, set by the client.
public struct Breakpoint: Hashable, Sendable {
  /// The types of `Z` packets (gdb manual, "Packets"), by their numbers.
  public enum Kind: UInt8, CaseIterable, Hashable, Sendable {
    case software = 0
    case hardware = 1
    case writeWatch = 2
    case readWatch = 3
    case accessWatch = 4

    /// Whether it watches memory rather than an instruction.
    public var isWatchpoint: Bool { rawValue >= Kind.writeWatch.rawValue }
  }

  public var kind: Kind
  public var address: VirtualAddress
  /// For a watchpoint how many bytes it watches, at least 1; for a breakpoint what the client says of
  /// the instruction's form, 1 on x86 and 4 on AArch64.
  public var length: Int
  /// The breakpoint counts only when one of these is true; it always does if there are none.
  public var conditions: [AgentExpression]

  public init(
    _ kind: Kind, at address: VirtualAddress, length: Int = 1, conditions: [AgentExpression] = []
  ) {
    self.kind = kind
    self.address = address
    self.length = length
    self.conditions = conditions
  }
}
