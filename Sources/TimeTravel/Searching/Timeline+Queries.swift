public import Bytes

/// One place at which a run forwards would stop.
public struct Occurrence: Hashable, Sendable {
  /// Where the run would stop: for an access, after it.
  public let moment: Moment
  public let reason: TimelineStop.Reason
  /// Where the machine then is.
  public let programCounter: VirtualAddress
}

extension Timeline {
  /// The memory at `range` where the engine stands; nil if it can't be read.
  func contents(of range: MemoryRange) async throws(Setback) -> [UInt8]? {
    try await ask { engine throws(EngineError) -> [UInt8]? in
      do throws(EngineError) {
        return try await engine.memory(range)
      } catch {
        if case .unreadable = error { return nil }
        throw error
      }
    }
  }

  /// All places in `range` (by default the whole recording) at which a run forwards would stop, in order; at
  /// most `limit`, and whether that cut it short. The first state of the range itself isn't one. The
  /// position stays. Throws `.interrupted`.
  public func occurrences(
    in range: ClosedRange<Moment>? = nil, limit: Int = 100_000
  ) async throws(TimelineError) -> (occurrences: [Occurrence], isComplete: Bool) {
    let range = range ?? recorded
    guard recorded.contains(range.lowerBound), recorded.contains(range.upperBound) else {
      throw .outsideRecording(range.upperBound, recorded: recorded)
    }
    let armed = self.armed
    return try await request {
      () async throws(Setback) -> (occurrences: [Occurrence], isComplete: Bool) in
      let all = try await self.collect(armed, in: range, limit: limit)
      self.found = all.occurrences
      return all
    }
  }

  private func collect(
    _ armed: ArmedStops, in range: ClosedRange<Moment>, limit: Int
  ) async throws(Setback) -> (occurrences: [Occurrence], isComplete: Bool) {
    var found: [Finding] = []
    var isComplete = true
    guard !armed.isEmpty else { return ([], true) }
    for part in armed.parts {
      let (more, reachedEnd) = try await collect(part: part, in: range, limit: limit)
      found = try await merge(found, more)
      if !reachedEnd { isComplete = false }
    }
    // Nothing before the last that is kept was cut from any part.
    if found.count > limit { isComplete = false }
    return (found.prefix(limit).map(\.occurrence), isComplete)
  }

  private func collect(
    part: ArmedStops, in range: ClosedRange<Moment>, limit: Int
  ) async throws(Setback) -> (findings: [Finding], isComplete: Bool) {
    var found: [Finding] = []
    try await bring(to: range.lowerBound)
    var laying = CheckpointLaying(focus: nil)
    while try await state().moment < range.upperBound {
      let stop = try await move(to: range.upperBound, part.engineStops, &laying)
      // A run stops once, whatever the reasons.
      if let reason = try await judge(stop, part).first {
        guard found.count < limit else { return (found, false) }
        found.append(Finding(place: try await placeHere(), reason: reason))
      }
      try await arrive(&laying)
    }
    return (found, true)
  }

  /// Both in order, each place once.
  private func merge(
    _ some: [Finding], _ others: [Finding]
  ) async throws(Setback) -> [Finding] {
    var merged: [Finding] = []
    var rest = others[...]
    for finding in some {
      while let next = rest.first, !next.place.isSame(as: finding.place),
        try await comesFirst(next.place, finding.place)
      {
        merged.append(rest.removeFirst())
      }
      if let next = rest.first, next.place.isSame(as: finding.place) { rest.removeFirst() }
      merged.append(finding)
    }
    return merged + rest
  }
}

/// One place at which a run would stop, with its registers.
private struct Finding {
  let place: Place
  let reason: TimelineStop.Reason

  var occurrence: Occurrence {
    Occurrence(
      moment: place.moment, reason: reason, programCounter: place.registers.programCounter)
  }
}
