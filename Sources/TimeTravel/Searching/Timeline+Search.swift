// Searching backwards: stretches between checkpoints, the latest first, each replayed forwards with the
// stops noted on the way.

/// What the search of one stretch gave.
private enum StretchOutcome {
  case found(Hit)
  case nothing
  /// Stops are too dense to come by all of them: the stretch's last part is to be searched first, of so many
  /// instructions.
  case postponed(UInt64)
}

extension Timeline {
  /// The last stop before `origin`; nil if there is none from `earliest` on. `armed` is one part of the stops
  /// that are wanted.
  func findLastOfPart(
    before origin: SearchBound, _ armed: ArmedStops, from earliest: Moment
  ) async throws(Setback) -> Hit? {
    guard !armed.isEmpty else { return nil }
    let key = armed.key
    var bound = origin
    var patience = 1.0
    // The longest stretch to search at once, where stops are dense.
    var window = UInt64.max
    while true {
      if let (log, answer) = logs.answer(before: bound, key) {
        if case .hit(let hit) = answer { return hit }
        bound = .first(of: log.from)
        continue
      }
      if bound.moment < earliest || bound.moment == earliest && bound.isFirst { return nil }
      let start = max(
        stretchStart(before: bound.moment, key), bound.moment.earlier(by: window), earliest)
      switch try await search(from: start, before: bound, armed, &patience) {
      case .found(let hit): return hit
      case .nothing:
        bound = .first(of: start)
        window = window.saturatingMultiply(8)
      case .postponed(let part): window = part
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
    from start: Moment, before bound: SearchBound, _ armed: ArmedStops, _ patience: inout Double
  ) async throws(Setback) -> StretchOutcome {
    try await bring(to: start)
    let began = await engine.timeSpent()
    var end = bound.moment
    // Only the first stretch ends where work goes on for sure.
    var laying = CheckpointLaying(focus: bound.registers == nil ? nil : bound.moment)
    var hits: [Hit] = []
    var stops = 0
    var window: UInt64 = 0
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
      let elapsed = (await engine.timeSpent() - began).inNanoseconds
      if end == bound.moment, stops >= 4,
        isTooDense(start...here.moment, before: end, elapsed: elapsed, patience: patience)
      {
        end = here.moment.later(by: 1)
        // As much as takes no longer with its stops than going there.
        let distance = Double(start.distance(to: end))
        let share = min(costs.restore / max(elapsed, 1), 1)
        window = UInt64(min(max(distance * share, 64), 1e18))
      }
    }
    logs.insert(HitLog(key: armed.key, from: start, to: end, hits: hits))
    guard end == bound.moment else {
      patience *= 2
      return .postponed(window)
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

  /// Whether it is quicker to go on to the end and search the last part first than to come by all stops that
  /// are to be expected. So much is known only after some time: as long as the other way takes, times
  /// `patience`.
  private func isTooDense(
    _ done: ClosedRange<Moment>, before end: Moment, elapsed: Double, patience: Double
  ) -> Bool {
    let distance = Double(max(done.lowerBound.distance(to: done.upperBound), 1))
    let remaining = Double(done.upperBound.distance(to: end))
    let other = costs.restore + remaining * costs.instruction
    return elapsed > other * patience && elapsed * remaining / distance > 2 * other
      && done.upperBound.later(by: 1) < end
  }
}
