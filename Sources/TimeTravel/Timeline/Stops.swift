internal import Bytes

/// A condition on a breakpoint or watchpoint, evaluated where it hit.
public struct StopCondition: Sendable {
  /// Two conditions with the same key are taken to be the same one (a bytecode, an expression's text).
  public let key: [UInt8]
  /// Whether to stop here. What it throws as `.unreadable` counts as true: the user is better shown a
  /// place too many.
  public let holds: @Sendable (StopContext) async throws(EngineError) -> Bool

  public init(
    key: [UInt8], holds: @escaping @Sendable (StopContext) async throws(EngineError) -> Bool
  ) {
    self.key = key
    self.holds = holds
  }
}

/// The machine's state where a condition is evaluated.
public struct StopContext: Sendable {
  public let moment: Moment
  public let registers: EngineRegisters
  /// Reads the machine's memory at this moment.
  public let memory: @Sendable (MemoryRange) async throws(EngineError) -> [UInt8]
}

/// The breakpoints and watchpoints that a search or run is to stop at.
struct ArmedStops: Sendable {
  var breakpoints: [VirtualAddress: StopCondition?] = [:]
  var watchpoints: [Watchpoint: StopCondition?] = [:]

  var engineStops: StopSet {
    StopSet(breakpoints: Set(breakpoints.keys), watchpoints: Set(watchpoints.keys))
  }

  var isEmpty: Bool { breakpoints.isEmpty && watchpoints.isEmpty }

  /// What decides where these stop. Results of one search serve another with an equal key.
  struct Key: Hashable, Sendable {
    let breakpoints: [VirtualAddress: [UInt8]?]
    let watchpoints: [Watchpoint: [UInt8]?]
  }

  var key: Key {
    Key(
      breakpoints: breakpoints.mapValues { $0?.key }, watchpoints: watchpoints.mapValues { $0?.key }
    )
  }
}
