extension Timeline {
  /// Which of the armed stops hold where the engine stopped, in order: an access comes before the breakpoint
  /// at the state that it leads to.
  func judge(
    _ stop: EngineStop, _ armed: ArmedStops
  ) async throws(Setback) -> [TimelineStop.Reason] {
    let place = try await placeHere()
    var reasons: [TimelineStop.Reason] = []
    if case .watchpoint(let watchpoint) = stop, let condition = armed.watchpoints[watchpoint],
      !isRefuted(watchpoint, at: place), try await holds(condition, at: place)
    {
      reasons.append(.watchpoint(watchpoint))
    }
    if let reason = try await judgeBreakpoint(place, armed) { reasons.append(reason) }
    return reasons
  }

  /// The breakpoint at `place`, where the engine stands, if there is one and its condition holds.
  func judgeBreakpoint(
    _ place: Place, _ armed: ArmedStops
  ) async throws(Setback) -> TimelineStop.Reason? {
    let address = place.registers.programCounter
    guard let condition = armed.breakpoints[address], try await holds(condition, at: place) else {
      return nil
    }
    return .breakpoint(address)
  }

  private func holds(
    _ condition: StopCondition?, at place: Place
  ) async throws(Setback) -> Bool {
    guard let condition else { return true }
    if isInterrupted { throw .interrupted }
    let context = StopContext(
      moment: place.moment, registers: place.registers,
      memory: { [engine] range throws(EngineError) in try await engine.memory(range) })
    return try await ask { _ throws(EngineError) in
      do throws(EngineError) {
        return try await condition.holds(context)
      } catch {
        if case .unreadable = error { return true }
        throw error
      }
    }
  }

  /// Runs to the next place at which the engine stops with `stops`, at most to `limit`: one move of a pass.
  /// A breakpoint at the current PC is stepped over.
  func move(
    to limit: Moment, _ stops: StopSet, _ laying: inout CheckpointLaying
  ) async throws(Setback) -> EngineStop {
    try await apply(stops)
    let here = try await placeHere()
    let waypoint = waypoint(after: here.moment, limit: limit, laying)
    let stop: EngineStop
    if stops.breakpoints.contains(here.registers.programCounter) {
      stop = try await stepEngine()
    } else if stops.watchpoints.isEmpty {
      stop = try await runEngine(to: waypoint)
    } else if here.moment.distance(to: waypoint) > watchedTail {
      stop = try await runEngine(to: waypoint.earlier(by: watchedTail))
    } else {
      stop = try await stepEngine()
    }
    try await checkProgress(from: here, &laying)
    return stop
  }

  /// So many instructions before a limit are stepped one by one while watchpoints are set. Where an access
  /// and a limit fall together an engine may be torn between the two, and searches often end just where an
  /// access stopped the machine.
  var watchedTail: UInt64 { 8 }

  /// Throws `.stalled` if the engine moves without getting anywhere.
  private func checkProgress(
    from before: Place, _ laying: inout CheckpointLaying
  ) async throws(Setback) {
    if try await state().moment > before.moment {
      laying.standstill = 0
      return
    }
    laying.standstill += 1
    guard laying.standstill < stepLimit else {
      throw .failed(
        .stalled(at: before.moment, detail: "\(stepLimit) steps didn't count as instructions"))
    }
  }
}
