// The engine's functions as the timeline calls them: with errors sorted into what can be repeated and what
// can't, the engine's position kept track of, and its time measured.

extension Timeline {
  func ask<Answer: Sendable>(
    _ body: (Engine) async throws(EngineError) -> Answer
  ) async throws(Setback) -> Answer {
    do throws(EngineError) {
      return try await body(engine)
    } catch {
      // Whatever failed, what is set may have gone with it.
      engineStops = nil
      switch error {
      case .died(let detail):
        engineState = nil
        throw .died(detail)
      case .diedWatching:
        engineState = nil
        throw .blinded
      default: throw .failed(TimelineError(error))
      }
    }
  }

  /// Where the engine stands.
  func state() async throws(Setback) -> EngineState {
    if let engineState { return engineState }
    let moment = try await ask { engine throws(EngineError) in try await engine.position() }
    let state = EngineState(moment: moment, isFirst: false, registers: nil)
    engineState = state
    return state
  }

  /// The state in which the engine is.
  func placeHere() async throws(Setback) -> Place {
    var state = try await state()
    if let registers = state.registers {
      return Place(moment: state.moment, registers: registers, isFirst: state.isFirst)
    }
    let registers = try await ask { engine throws(EngineError) in try await engine.registers() }
    state.registers = registers
    engineState = state
    return Place(moment: state.moment, registers: registers, isFirst: state.isFirst)
  }

  /// Has the engine stop at `stops` and nothing else.
  func apply(_ stops: StopSet) async throws(Setback) {
    guard engineStops != stops else { return }
    engineStops = nil
    try await ask { engine throws(EngineError) in try await engine.setStops(stops) }
    engineStops = stops
  }

  /// Runs up to `limit`. Throws `.interrupted` if the user interrupted it; the engine then stands
  /// somewhere between.
  func runEngine(to limit: Moment) async throws(Setback) -> EngineStop {
    let start = try await state().moment
    if isBlind(at: start) { return try await stepEngine() }
    let limit = limitOfSight(from: start, to: limit)
    var spurious = 0
    while true {
      if isInterrupted { throw .interrupted }
      let before = await engine.timeSpent()
      engineState = nil
      let stop = try await watching(from: start) { engine throws(EngineError) in
        try await engine.run(to: limit)
      }
      let moment = try await ask { engine throws(EngineError) in try await engine.position() }
      engineState = EngineState(moment: moment, isFirst: moment == limit, registers: nil)
      let after = await engine.timeSpent()
      // What runs to a stop mostly shows what stops cost.
      if stop == .reached { costs.noteRun(of: start.distance(to: moment), taking: after - before) }
      if stop == .interrupted {
        if isInterrupted { throw .interrupted }
        // One that came too late for the request it was meant for.
        spurious += 1
        guard spurious < 100 else { throw .failed(.engine("the engine interrupts itself")) }
        continue
      }
      guard moment <= limit else {
        throw .failed(.engine("the engine ran to \(moment) instead of \(limit)"))
      }
      return stop
    }
  }

  /// Executes one instruction, or takes one interrupt or exception.
  func stepEngine() async throws(Setback) -> EngineStop {
    if isInterrupted { throw .interrupted }
    let start = try await state().moment
    if isBlind(at: start) { return try await stepBlindly() }
    engineState = nil
    let stop = try await watching(from: start) { engine throws(EngineError) in
      try await engine.step()
    }
    let moment = try await ask { engine throws(EngineError) in try await engine.position() }
    engineState = EngineState(moment: moment, isFirst: moment > start, registers: nil)
    return stop
  }

  /// Goes to `checkpoint`, or to the beginning of the recording, and makes sure that the machine is as it was
  /// there.
  func restore(_ checkpoint: Checkpoint?) async throws(Setback) {
    if isInterrupted { throw .interrupted }
    let before = await engine.timeSpent()
    engineState = nil
    isAstray = true
    passes[checkpoint?.moment ?? recorded.lowerBound, default: 0] += 1
    guard let checkpoint else {
      try await askUnlessInterrupted { engine throws(EngineError) in try await engine.rewind() }
      engineState = EngineState(moment: recorded.lowerBound, isFirst: true, registers: nil)
      let digest = StateDigest(try await placeHere().registers)
      guard digest == catalogue.beginning else {
        throw .failed(.diverged(at: recorded.lowerBound, since: recorded.lowerBound))
      }
      isAstray = false
      return
    }
    do throws(Setback) {
      try await askUnlessInterrupted { engine throws(EngineError) in
        try await engine.restoreCheckpoint(checkpoint.name)
      }
    } catch {
      if case .failed = error { try await drop(checkpoint.name) }
      throw error
    }
    engineState = EngineState(moment: checkpoint.moment, isFirst: true, registers: nil)
    let after = await engine.timeSpent()
    costs.noteRestore(taking: after - before)
    guard StateDigest(try await placeHere().registers) == checkpoint.digest else {
      // The next request takes an earlier one.
      try await drop(checkpoint.name)
      throw .failed(
        .diverged(at: checkpoint.moment, since: lastAgreement(before: checkpoint.moment)))
    }
    isAstray = false
  }

  /// The last moment before `moment` at which a replay was compared with what was seen before.
  func lastAgreement(before moment: Moment) -> Moment {
    guard moment > recorded.lowerBound else { return recorded.lowerBound }
    return catalogue.last(atOrBefore: moment.earlier(by: 1))?.moment ?? recorded.lowerBound
  }

  /// Starts the engine again.
  func revive() async throws(Setback) {
    engineState = nil
    engineStops = nil
    isAstray = true
    try await ask { engine throws(EngineError) in try await engine.restart() }
    let names = try await ask { engine throws(EngineError) in try await engine.checkpoints() }
    let count = catalogue.checkpoints.count
    catalogue.keep(names)
    if catalogue.checkpoints.count != count { isUnsaved = true }
    engineStops = StopSet.none
  }
}
