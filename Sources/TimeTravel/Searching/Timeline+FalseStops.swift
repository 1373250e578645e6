internal import Bytes

// Engines that report a watchpoint for writes where a store was near it. A reported store that changed the watched memory
// was one; of the others the engine itself tells, by executing the instruction over other contents.

/// A reported access, by the state that it led to.
struct ReportedStore: Hashable, Sendable {
  let watchpoint: Watchpoint
  let stop: Place
}

extension Timeline {
  /// As `findLast`, without stores that were none.
  func findLastReal(
    before origin: SearchBound, _ armed: ArmedStops, from earliest: Moment? = nil
  ) async throws(Setback) -> Hit? {
    while let hit = try await findLast(before: origin, armed, from: earliest) {
      if try await isReal(hit) { return hit }
      logs.forget(hit)
    }
    return nil
  }

  /// Whether the engine's report is to be believed. The engine may stand anywhere afterwards.
  private func isReal(_ hit: Hit) async throws(Setback) -> Bool {
    guard case .watchpoint(let watchpoint) = hit.reason, watchpoint.access == .write,
      engine.mayReportOtherStores
    else { return true }
    let report = ReportedStore(watchpoint: watchpoint, stop: hit.stop)
    if let verdict = verdicts[report] { return verdict }
    let place = try await landing(on: hit)
    var verdict = true
    if !hasChanged(watchpoint.range, before: hit.stop) {
      verdict =
        try await storesOverOtherContents(
          to: watchpoint.range, from: place, watching: true) ?? true
    }
    if verdicts.count >= 10_000 { verdicts = [:] }
    verdicts[report] = verdict
    return verdict
  }

  /// Whether the step from `place` stores to `range`, by executing it over other contents; nil if the engine can't
  /// tell. It must go to a checkpoint afterwards: those contents never were.
  func storesOverOtherContents(
    to range: MemoryRange, from place: Place, watching: Bool
  ) async throws(Setback) -> Bool? {
    try await bring(to: place)
    try await apply(.none)
    isAstray = true
    engineState = nil
    let answer = try await ask { engine throws(EngineError) in
      try await engine.storesNext(to: range, watching: watching)
    }
    engineState = nil
    return answer
  }

  /// Whether the trace shows that the step that led to `place` changed memory.
  private func hasChanged(_ range: MemoryRange, before place: Place) -> Bool {
    guard let trace, let index = trace.index(of: place) else { return false }
    return trace.changes(range, from: index - 1)
  }

  /// Whether it is known that what the engine reported was no store to the watched memory.
  func isRefuted(_ watchpoint: Watchpoint, at stop: Place) -> Bool {
    verdicts[ReportedStore(watchpoint: watchpoint, stop: stop)] == false
  }

  /// Whether the step from a state of the trace surely accessed what was reported for it.
  func isProven(_ watchpoint: Watchpoint, from index: Int, of trace: TraceWindow) -> Bool {
    guard watchpoint.access == .write, engine.mayReportOtherStores else { return true }
    let report = ReportedStore(watchpoint: watchpoint, stop: trace.states[index + 1].place)
    return verdicts[report] == true || trace.changes(watchpoint.range, from: index)
  }
}
