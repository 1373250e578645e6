// Searching backwards: stretches between checkpoints, the latest first, each replayed forwards with the
// stops noted on the way.

/// What the search of one stretch gave.
private enum StretchOutcome {
  case found(Hit)
  case nothing
  /// Stops are too dense to come by all of them; the stretch from this moment on is to be searched first.
  case postponed(Moment)
}

extension Timeline {
  /// The last stop before `origin`; nil if there is none from the beginning of the recording.
  func findLast(before origin: Place, _ armed: ArmedStops) async throws(Setback) -> Hit? {
    try await findLast(before: SearchBound(origin), armed)
  }

  func findLast(before origin: SearchBound, _ armed: ArmedStops) async throws(Setback) -> Hit? {
    guard !armed.isEmpty else { return nil }
    let key = armed.key
    var bound = origin
    var budget = policy.stopBudget
    var postponed: Moment?
    while true {
      if let (log, answer) = logs.answer(before: bound, key) {
        if case .hit(let hit) = answer { return hit }
        bound = .first(of: log.from)
        continue
      }
      if bound.moment == recorded.lowerBound, bound.isFirst { return nil }
      let start = postponed ?? stretchStart(before: bound.moment, key)
      postponed = nil
      switch try await search(from: start, before: bound, armed, &budget) {
      case .found(let hit): return hit
      case .nothing: bound = .first(of: start)
      case .postponed(let later): postponed = later
      }
    }
  }

  /// Where the stretch before `moment` begins: at the last checkpoint, or where an earlier search's stretch
  /// ends.
  private func stretchStart(before moment: Moment, _ key: ArmedStops.Key) -> Moment {
    guard moment > recorded.lowerBound else { return recorded.lowerBound }
    let checkpoint = catalogue.last(atOrBefore: moment.earlier(by: 1))?.moment
    let known = logs.lastEnd(before: moment, key)
    return max(checkpoint ?? recorded.lowerBound, known ?? recorded.lowerBound)
  }

  private func search(
    from start: Moment, before bound: SearchBound, _ armed: ArmedStops, _ budget: inout Int
  ) async throws(Setback) -> StretchOutcome {
    try await bring(to: start)
    let began = await engine.timeSpent()
    var end = bound.moment
    var laying = CheckpointLaying(focus: bound.moment)
    var hits: [Hit] = []
    var stops = 0
    let first = try await placeHere()
    if first.moment < end, let reason = try await judgeBreakpoint(first, armed) {
      hits.append(Hit(reason: reason, stop: first))
    }
    while try await state().moment < end {
      let stop = try await move(to: end, armed.engineStops, &laying)
      let here = try await placeHere()
      hits += try await judge(stop, armed, before: end).map { Hit(reason: $0, stop: here) }
      try await arrive(&laying)
      stops += stop == .reached ? 0 : 1
      if end == bound.moment, stops >= budget,
        await isTooDense(start...here.moment, before: end, since: began)
      {
        end = here.moment.later(by: 1)
      }
    }
    logs.insert(HitLog(key: armed.key, from: start, to: end, hits: hits))
    guard end == bound.moment else {
      budget *= 2
      return .postponed(try await skip(start..<end, stops, before: bound.moment))
    }
    if let late = try await searchMoment(before: bound, armed) { return .found(late) }
    return hits.last.map { .found($0) } ?? .nothing
  }

  /// What `judge` finds, without a breakpoint at `end`: that isn't before it.
  private func judge(
    _ stop: EngineStop, _ armed: ArmedStops, before end: Moment
  ) async throws(Setback) -> [TimelineStop.Reason] {
    guard try await state().moment >= end else { return try await judge(stop, armed) }
    guard case .watchpoint = stop else { return [] }
    var accesses = armed
    accesses.breakpoints = [:]
    return try await judge(stop, accesses)
  }

  /// The last stop among the states that share the bound's moment and come before it. The engine stands in
  /// the first of them.
  private func searchMoment(
    before bound: SearchBound, _ armed: ArmedStops
  ) async throws(Setback) -> Hit? {
    guard !bound.isFirst, let registers = bound.registers else { return nil }
    var last: Hit?
    try await apply(armed.engineStops)
    for _ in 0..<stepLimit {
      let here = try await placeHere()
      guard here.moment == bound.moment else { break }
      if here.registers == registers { return last }
      if let reason = try await judgeBreakpoint(here, armed) {
        last = Hit(reason: reason, stop: here)
      }
      let stop = try await stepEngine()
      var accesses = armed
      accesses.breakpoints = [:]
      if let access = try await judge(stop, accesses).first {
        last = Hit(reason: access, stop: try await placeHere())
      }
    }
    throw .failed(.diverged(at: bound.moment, since: lastAgreement(before: bound.moment)))
  }

  /// Whether it is quicker to run to the end and search the last part first than to come by all stops that
  /// are to be expected.
  private func isTooDense(
    _ done: ClosedRange<Moment>, before end: Moment, since began: Duration
  ) async -> Bool {
    let distance = Double(max(done.lowerBound.distance(to: done.upperBound), 1))
    let remaining = Double(done.upperBound.distance(to: end))
    let elapsed = (await engine.timeSpent() - began).inNanoseconds
    let expected = elapsed * remaining / distance
    let other = costs.restore + 3 * costs.save + remaining * costs.instruction
    return expected > 2 * other && done.upperBound.later(by: 1) < end
  }

  /// Goes to a place not far before `end`, from which on few stops are to be expected, and gives it. Lays
  /// checkpoints on the way for the stretches before it, each of more stops. `stops` were met in `done`.
  private func skip(
    _ done: Range<Moment>, _ stops: Int, before end: Moment
  ) async throws(Setback) -> Moment {
    let distance = done.lowerBound.distance(to: done.upperBound)
    let perBudget = distance / UInt64(max(stops, 1)) * UInt64(max(policy.stopBudget / 4, 1))
    let target = max(end.earlier(by: max(perBudget, 64)), done.upperBound)
    try await bring(to: target, floor: max(perBudget, 64))
    if catalogue.checkpoint(at: target) == nil {
      // What is found will be near, and be gone to from here.
      _ = try await layCheckpoint(focus: end)
    }
    return target
  }
}
