import Bytes

extension RemoteSession {
  /// `c`, `s`, and with a signal `C` and `S`. Nobody here takes signals; going on somewhere else than
  /// where the target stopped isn't offered either.
  mutating func resume(
    _ letter: UInt8, _ reader: inout PacketReader
  ) async throws(RemoteError) -> Reply? {
    if letter == UInt8(ascii: "C") || letter == UInt8(ascii: "S") {
      guard reader.number() != nil else { return nil }
      _ = reader.skip(";")
    }
    guard reader.isAtEnd else { throw .refused("execution goes on only where it stopped") }
    let steps = letter == UInt8(ascii: "s") || letter == UInt8(ascii: "S")
    return try await run(.forward, steps ? .step : .unlimited, thread: runningThread)
  }

  /// `bs` and `bc`.
  mutating func resumeBackwards(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard let runnable = target as? any ResumableTarget, runnable.canReverse else {
      return .unknown
    }
    switch reader.text {
    case "s": return try await run(.backward, .step, thread: runningThread)
    case "c": return try await run(.backward, .unlimited, thread: runningThread)
    default: return .unknown
    }
  }

  /// `vCont;action[:thread]…`: the first action that fits a thread is its action. All threads run at
  /// once, so what matters is whether one of them is to step.
  mutating func resumeVerbosely(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    var chosen: (Resumption.Extent, ThreadID?)?
    while !reader.isAtEnd {
      guard reader.skip(";"), let extent = extent(&reader) else { return nil }
      var thread: ThreadID?
      if reader.skip(":") {
        guard let choice = reader.thread() else { return nil }
        if case .one(let id) = choice { thread = id }
      }
      if extent != .unlimited || chosen == nil, chosen.map({ $0.0 == .unlimited }) ?? true {
        chosen = (extent, thread)
      }
    }
    guard let (extent, thread) = chosen else { return nil }
    return try await run(.forward, extent, thread: thread)
  }

  private func extent(_ reader: inout PacketReader) -> Resumption.Extent? {
    switch reader.next() {
    case UInt8(ascii: "c"): return .unlimited
    case UInt8(ascii: "s"): return .step
    case UInt8(ascii: "C"): return reader.number() == nil ? nil : .unlimited
    case UInt8(ascii: "S"): return reader.number() == nil ? nil : .step
    case UInt8(ascii: "r"):
      guard let start = reader.number(), reader.skip(","), let end = reader.number() else {
        return nil
      }
      // An empty range is one step (gdb manual, "vCont").
      return start < end
        ? .stepping(while: VirtualAddress(start)..<VirtualAddress(end)) : .step
    default: return nil
    }
  }

  /// In order of addresses.
  private var insertedBreakpoints: [Breakpoint] {
    breakpoints.values.sorted {
      ($0.address, $0.kind.rawValue, $0.length) < ($1.address, $1.kind.rawValue, $1.length)
    }
  }

  /// Those that the user has set, as far as one can know: many clients have all of them removed at a
  /// stop.
  var wantedBreakpoints: [Breakpoint] {
    breakpoints.isEmpty ? breakpointsOfLastRun : insertedBreakpoints
  }

  private mutating func run(
    _ direction: Resumption.Direction, _ extent: Resumption.Extent, thread: ThreadID?
  ) async throws(RemoteError) -> Reply {
    let here = try await currentStop().thread
    if let thread { try await requireThread(thread) }
    guard target is any ResumableTarget else {
      // Nothing comes after the moment that was kept.
      lastStop = Stop(.end, thread: here)
      return .contents(try await stopReply())
    }
    breakpointsOfLastRun = insertedBreakpoints
    return .start(
      .resume(
        Resumption(direction, extent, thread: thread ?? here, breakpoints: breakpointsOfLastRun)))
  }
}
