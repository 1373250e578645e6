import Bytes

/// What tells one breakpoint from another when it is to be removed.
struct BreakpointKey: Hashable {
  var kind: Breakpoint.Kind
  var address: VirtualAddress
  var length: Int
}

extension RemoteSession {
  /// How many breakpoints there may be. A client is trusted, but not with all memory.
  static let breakpointLimit = 10_000

  /// `Z`: inserting twice is inserting once, with the conditions given last.
  mutating func insertBreakpoint(
    _ reader: inout PacketReader
  ) async throws(RemoteError) -> Reply? {
    guard let runnable = target as? any ResumableTarget else { return .unknown }
    guard let key = breakpointKey(&reader), var conditions = conditions(&reader) else {
      return nil
    }
    guard runnable.breakpointKinds.contains(key.kind) else { return .unknown }
    if key.kind.isWatchpoint { conditions = [] }
    guard breakpoints[key] != nil || breakpoints.count < Self.breakpointLimit else {
      throw .refused("there are \(Self.breakpointLimit) breakpoints already")
    }
    let breakpoint = Breakpoint(
      key.kind, at: key.address, length: key.length, conditions: conditions)
    try await runnable.check(breakpoint)
    breakpoints[key] = breakpoint
    return .ok
  }

  /// `z`: removing what isn't there is no error.
  mutating func removeBreakpoint(_ reader: inout PacketReader) -> Reply? {
    guard let runnable = target as? any ResumableTarget else { return .unknown }
    guard let key = breakpointKey(&reader) else { return nil }
    guard runnable.breakpointKinds.contains(key.kind) else { return .unknown }
    breakpoints[key] = nil
    return .ok
  }

  /// `kind,address,length`.
  private func breakpointKey(_ reader: inout PacketReader) -> BreakpointKey? {
    guard let digit = reader.next().flatMap(hexDigit), let kind = Breakpoint.Kind(rawValue: digit),
      reader.skip(","), let address = reader.number(), reader.skip(","),
      let length = reader.count(), !kind.isWatchpoint || length > 0
    else { return nil }
    return BreakpointKey(kind: kind, address: VirtualAddress(address), length: length)
  }

  /// `;Xlength,bytecode` and more of that. Commands, which weren't offered, are an error.
  private func conditions(_ reader: inout PacketReader) -> [AgentExpression]? {
    var conditions: [AgentExpression] = []
    while !reader.isAtEnd {
      _ = reader.skip(";")
      guard reader.skip("X"), let count = reader.count(), reader.skip(","),
        let (digits, overflow) = Optional(count.multipliedReportingOverflow(by: 2)), !overflow,
        let text = reader.bytes(digits), let bytecode = hexBytes(text)
      else { return nil }
      conditions.append(AgentExpression(bytecode))
    }
    return conditions
  }
}
