// Recording single steps, so that reverse steps are answered without moving the engine.

extension Timeline {
  /// What the user is likely to read at `place`, where the engine stands.
  func likelyMemory(
    _ place: Place, watched: Set<Watchpoint> = []
  ) async throws(Setback) -> [MemoryRange: [UInt8]] {
    let ranges = hints.ranges(with: place.registers) + watched.map(\.range)
    let pieces = try await ask { engine throws(EngineError) in try await engine.memory(ranges) }
    // A guess needn't be readable; if the user asks for it, it is read again.
    var memory: [MemoryRange: [UInt8]] = [:]
    for (range, piece) in zip(ranges, pieces) { memory[range] = piece }
    return memory
  }

  /// Records the states that lead to `place`, as many as the policy says, and gives the number of `place`
  /// among them. The engine then stands there.
  func recordTrace(to place: Place, watched: Set<Watchpoint>) async throws(Setback) -> Int {
    let start = max(place.moment.earlier(by: policy.traceLength), recorded.lowerBound)
    try await bring(to: start)
    try await apply(StopSet(watchpoints: watched))
    let first = try await placeHere()
    var window = TraceWindow(
      watched: watched,
      first: .init(place: first, memory: try await likelyMemory(first, watched: watched)))
    var standstill = 0
    while !window.last.place.isSame(as: place) {
      let stop = try await stepEngine()
      let here = try await placeHere()
      standstill = here.moment > window.last.place.moment ? 0 : standstill + 1
      guard here.moment <= place.moment, standstill < stepLimit else {
        throw .failed(
          .diverged(at: place.moment, since: lastAgreement(before: place.moment)))
      }
      window.append(
        .init(place: here, memory: try await likelyMemory(here, watched: watched)),
        access: stop.access)
    }
    setTrace(window)
    return window.states.count - 1
  }

  /// Replaces the trace; the user stays where they are.
  func setTrace(_ window: TraceWindow?) {
    trace = window
    traceIndex = window?.index(of: current)
  }

  /// The state `index` of the trace, if there is one and the trace was recorded with all armed watchpoints
  /// set.
  func tracedState(_ index: Int) -> TraceWindow.State? {
    guard let trace, trace.states.indices.contains(index),
      trace.watched.isSuperset(of: armed.watchpoints.keys)
    else { return nil }
    return trace.states[index]
  }

  /// What the step from `state` of the trace accessed of the armed watchpoints; nil if the trace doesn't
  /// tell: of several watchpoints accessed at once an engine names only one.
  func tracedAccess(_ state: TraceWindow.State) -> TracedAccess? {
    guard let access = state.access, !armed.watchpoints.isEmpty else { return TracedAccess.none }
    return armed.watchpoints.keys.contains(access) ? .watchpoint(access) : nil
  }

  /// Adds the state after a step from the last one of the trace.
  func extendTrace(from place: Place, to next: Place, _ stop: EngineStop) async throws(Setback) {
    let watched = engineStops?.watchpoints ?? []
    let state = TraceWindow.State(place: next, memory: try await likelyMemory(next))
    if var window = trace, window.watched == watched, window.last.place.isSame(as: place) {
      window.append(state, access: stop.access)
      if UInt64(window.states.count) > policy.traceLength.saturatingMultiply(8) {
        window.trim(to: Int(clamping: policy.traceLength.saturatingMultiply(4)))
      }
      trace = window
    } else if place.isFirst {
      var window = TraceWindow(watched: watched, first: .init(place: place, memory: [:]))
      window.append(state, access: stop.access)
      trace = window
    }
  }
}

/// What a recorded step accessed.
enum TracedAccess {
  case none
  case watchpoint(Watchpoint)

  /// What a step then ends with.
  var stepReason: TimelineStop.Reason {
    if case .watchpoint(let watchpoint) = self { .watchpoint(watchpoint) } else { .done }
  }
}

extension EngineStop {
  /// The watchpoint that was accessed, if that is why the engine stopped.
  var access: Watchpoint? {
    if case .watchpoint(let watchpoint) = self { watchpoint } else { nil }
  }
}
