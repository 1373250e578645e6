extension Timeline {
  /// Runs to the next armed stop; `.end` at the end of the recording, where the engine is kept from running
  /// on. With a `limit`, runs no further than its first state, and stops there with `.done`.
  public func run(to limit: Moment? = nil) async throws(TimelineError) -> TimelineStop {
    if let limit, !recorded.contains(limit) {
      throw .outsideRecording(limit, recorded: recorded)
    }
    let end = limit ?? recorded.upperBound
    return try await movement { () async throws(Setback) -> TimelineStop in
      do throws(Setback) {
        return try await self.runForwards(to: end, limit == nil ? .end : .done)
      } catch {
        // An interrupted run stays where it is, as the user expects of a running machine.
        guard case .interrupted = error, try await self.hasLeft() else { throw error }
        return self.commit(try await self.placeHere(), .interrupted)
      }
    }
  }

  /// Whether the engine stands after the position.
  private func hasLeft() async throws(Setback) -> Bool {
    // Where it was left to restore a state it isn't on its way.
    guard leftWork == nil else { return false }
    return try await state().moment > current.moment
  }

  private func runForwards(
    to end: Moment, _ reason: TimelineStop.Reason
  ) async throws(Setback) -> TimelineStop {
    guard current.moment < end else { return commit(current, reason) }
    switch runInTrace(to: end) {
    case .stop(let place, let found): return commit(place, found)
    case .nothing(let last):
      if last.moment == end, last.isFirst { return commit(last, reason) }
      try await bring(to: last)
    case .unknown: try await bringToPosition()
    }
    let start = try await placeHere()
    var first: (place: Place, reason: TimelineStop.Reason)?
    for part in armed.parts {
      try await bring(to: start)
      // What stops later than another part does doesn't matter.
      let limit = first.map { min($0.place.moment.later(by: 1), end) } ?? end
      let focus = reason == .end && limit == end ? nil : limit
      guard let stop = try await runForwards(part, to: limit, focus: focus) else { continue }
      guard let known = first else {
        first = stop
        continue
      }
      let isNew = !stop.place.isSame(as: known.place)
      if isNew, try await comesFirst(stop.place, known.place) { first = stop }
    }
    guard let first else { return commit(try await placeHere(), reason) }
    return commit(first.place, first.reason)
  }

  /// The first stop of a part of the armed ones; nil if `end` comes first.
  private func runForwards(
    _ armed: ArmedStops, to end: Moment, focus: Moment?
  ) async throws(Setback) -> (place: Place, reason: TimelineStop.Reason)? {
    var laying = CheckpointLaying(focus: focus)
    let stops = armed.engineStops
    // The breakpoint at the position, if any, is where the user is already.
    try await apply(stops)
    var stop = try await stepEngine()
    while true {
      let reasons = try await judge(stop, armed)
      if let first = reasons.first { return (try await placeHere(), first) }
      guard try await state().moment < end else { return nil }
      try await arrive(&laying)
      stop = try await move(to: end, stops, &laying)
    }
  }

  /// What the trace tells of a search through it.
  private enum TraceAnswer {
    case stop(Place, TimelineStop.Reason)
    /// There is none up to the end of the trace: its last state, or backwards its first.
    case nothing(Place)
    case unknown
  }

  /// Whether the armed stops can be told from a trace, which has no state to evaluate conditions in.
  private var areUnconditional: Bool {
    armed.breakpoints.values.allSatisfy { $0 == nil }
      && armed.watchpoints.values.allSatisfy { $0 == nil }
  }

  private func runInTrace(to end: Moment) -> TraceAnswer {
    guard let traceIndex, let trace, tracedState(traceIndex) != nil, areUnconditional else {
      return .unknown
    }
    for index in traceIndex..<trace.states.count - 1 {
      let next = trace.states[index + 1].place
      // The end is its moment's first state.
      guard trace.states[index].place.moment < end else {
        return .nothing(trace.states[index].place)
      }
      guard let access = tracedAccess(trace.states[index]) else { return .unknown }
      if case .watchpoint = access { return .stop(next, access.stepReason) }
      let address = next.registers.programCounter
      if armed.breakpoints.keys.contains(address) { return .stop(next, .breakpoint(address)) }
    }
    return .nothing(trace.last.place)
  }

  /// Goes back to the last armed stop before the position; `.beginning` at the beginning of the recording if
  /// there is none.
  public func reverseRun() async throws(TimelineError) -> TimelineStop {
    try await movement { () async throws(Setback) -> TimelineStop in
      let armed = self.armed
      var bound = SearchBound(self.current)
      switch self.reverseInTrace() {
      case .stop(let place, let reason): return self.commit(place, reason)
      case .nothing(let first): bound = SearchBound(first)
      case .unknown: break
      }
      if let hit = try await self.findLastReal(before: bound, armed) {
        let place = try await self.landing(on: hit)
        return self.commit(place, hit.reason)
      }
      try await self.bring(to: self.recorded.lowerBound)
      return self.commit(try await self.placeHere(), .beginning)
    }
  }

  private func reverseInTrace() -> TraceAnswer {
    guard let traceIndex, let trace, tracedState(traceIndex) != nil, areUnconditional else {
      return .unknown
    }
    for index in stride(from: traceIndex - 1, through: 0, by: -1) {
      let state = trace.states[index]
      guard let access = tracedAccess(state) else { return .unknown }
      if case .watchpoint(let watchpoint) = access {
        guard isProven(watchpoint, from: index, of: trace) else { return .unknown }
        return .stop(state.place, access.stepReason)
      }
      let address = state.place.registers.programCounter
      if armed.breakpoints.keys.contains(address) {
        return .stop(state.place, .breakpoint(address))
      }
    }
    return .nothing(trace.states[0].place)
  }

  /// Where going backwards stops for `hit`: for an access before it, else where it stopped forwards.
  func landing(on hit: Hit) async throws(Setback) -> Place {
    guard case .watchpoint(let watchpoint) = hit.reason else { return hit.stop }
    var watched = armed.engineStops.watchpoints
    watched.insert(watchpoint)
    if let trace, trace.watched.isSuperset(of: watched), let index = trace.index(of: hit.stop),
      index > 0
    {
      return trace.states[index - 1].place
    }
    let index = try await recordTrace(to: hit.stop, watched: watched)
    guard index > 0, let trace else {
      throw .failed(.diverged(at: hit.stop.moment, since: recorded.lowerBound))
    }
    return trace.states[index - 1].place
  }
}
