// Bringing the engine to a moment or state, and laying checkpoints on the way.

/// What a pass has to know to lay checkpoints as it goes.
struct CheckpointLaying {
  /// Where work will go on; nil if the run may end anywhere.
  let focus: Moment?
  /// No checkpoint is wanted up to here: one was refused or not worth its room.
  var declined: Moment?
  /// Where to try again after a refusal, and how often that was done.
  var retry: Moment?
  var retries = 0
  /// How many moves in a row left the count as it was.
  var standstill = 0

  init(focus: Moment?) { self.focus = focus }
}

extension Timeline {
  /// Brings the engine to the first state of `target`. Throws `.failed(.outsideRecording)`.
  func bring(to target: Moment) async throws(Setback) {
    guard recorded.contains(target) else {
      throw .failed(.outsideRecording(target, recorded: recorded))
    }
    let state = try await state()
    if !isAstray, state.moment == target, state.isFirst { return }
    let checkpoint = catalogue.last(atOrBefore: target)
    let start = checkpoint?.moment ?? recorded.lowerBound
    let restoring = start.distance(to: target)
      .saturatingAdd(costs.instructions(in: costs.restore))
    if isAstray || state.moment >= target || restoring < state.moment.distance(to: target) {
      try await restore(checkpoint)
    }
    try await apply(.none)
    var laying = CheckpointLaying(focus: target)
    while true {
      let moment = try await self.state().moment
      guard moment < target else { return }
      let waypoint = waypoint(after: moment, limit: target, laying)
      _ = try await runEngine(to: waypoint)
      guard try await self.state().moment > moment else {
        throw .failed(.stalled(at: moment, detail: "the engine stopped for no reason"))
      }
      try await arrive(&laying)
    }
  }

  /// Where a pass from `moment` on should stop next: at `limit`, at a checkpoint to compare with, or where
  /// one should be saved.
  func waypoint(after moment: Moment, limit: Moment, _ laying: CheckpointLaying) -> Moment {
    var next = limit
    if let known = catalogue.first(after: moment), known.moment < next { next = known.moment }
    let wish = wish(after: moment, laying)
    return wish < next ? wish : next
  }

  private func wish(after moment: Moment, _ laying: CheckpointLaying) -> Moment {
    if let retry = laying.retry { return max(retry, moment.later(by: 1)) }
    let last = catalogue.last(atOrBefore: moment)?.moment ?? recorded.lowerBound
    let base = max(last, laying.declined ?? last)
    let spacing = policy.spacing(
      after: base, focus: laying.focus, costs: costs, passes: passes[base] ?? 0)
    return max(base.later(by: spacing), moment.later(by: 1))
  }

  /// At a waypoint: compares the machine with a checkpoint that was saved here, or saves one where it is
  /// wanted.
  func arrive(_ laying: inout CheckpointLaying) async throws(Setback) {
    let state = try await state()
    guard state.isFirst else { return }
    if let known = catalogue.checkpoint(at: state.moment) {
      guard StateDigest(try await placeHere().registers) == known.digest else {
        throw .failed(
          .diverged(at: state.moment, since: lastAgreement(before: state.moment)))
      }
      laying.retry = nil
      return
    }
    // Whether one is wanted here was decided before the run.
    let before = state.moment.earlier(by: 1)
    guard state.moment > recorded.lowerBound, state.moment < recorded.upperBound,
      state.moment != laying.focus, wish(after: before, laying) <= state.moment,
      !isJustBefore(state.moment, laying.focus)
    else { return }
    switch try await layCheckpoint(focus: laying.focus ?? state.moment) {
    case .saved: laying = CheckpointLaying(focus: laying.focus)
    case .declined:
      laying.declined = state.moment
      laying.retry = nil
    case .refused:
      laying.retries += 1
      if laying.retries <= policy.retryLimit {
        laying.retry = state.moment.later(by: policy.retryStride)
      } else {
        laying = CheckpointLaying(focus: laying.focus)
        laying.declined = state.moment
      }
    }
  }

  /// Whether a known checkpoint or `focus` comes so soon that another checkpoint gains nothing. Passes that
  /// watch memory stop a little before both; what they cost may by then speak for one more each time.
  private func isJustBefore(_ moment: Moment, _ focus: Moment?) -> Bool {
    [catalogue.first(after: moment)?.moment, focus].contains { next in
      guard let next, next > moment else { return false }
      return moment.distance(to: next) <= watchedTail
    }
  }

  /// Brings the engine to just this state.
  func bring(to place: Place) async throws(Setback) {
    if try await isHere(place) { return }
    try await bring(to: place.moment)
    try await apply(.none)
    for _ in 0..<stepLimit {
      let here = try await placeHere()
      if here.isSame(as: place) { return }
      guard here.moment == place.moment else { break }
      _ = try await stepEngine()
    }
    throw .failed(.diverged(at: place.moment, since: lastAgreement(before: place.moment)))
  }

  /// Brings the engine to where the user is.
  func bringToPosition() async throws(Setback) {
    if try await isHere(current) { return }
    guard let trace, let traceIndex, traceIndex > 0 else {
      // Who looks around here will go back from here, too.
      guard current.moment > recorded.lowerBound else { return try await bring(to: current) }
      _ = try await recordTrace(to: current, watched: armed.engineStops.watchpoints)
      return
    }
    // Through the states of the trace, reading on the way what is wanted of each by now.
    try await bring(to: trace.states[0].place.moment)
    try await apply(StopSet(watchpoints: trace.watched))
    for index in 0...traceIndex {
      let here = try await placeHere()
      guard here.isSame(as: trace.states[index].place) else {
        throw .failed(.diverged(at: here.moment, since: lastAgreement(before: here.moment)))
      }
      let memory = try await likelyMemory(here)
      self.trace?.setMemory(memory, at: index)
      if index < traceIndex { _ = try await stepEngine() }
    }
  }

  private func isHere(_ place: Place) async throws(Setback) -> Bool {
    guard !isAstray, let state = engineState, state.moment == place.moment else { return false }
    return try await placeHere().isSame(as: place)
  }

  /// More states than can share a moment in any sane machine.
  var stepLimit: Int { 1000 }
}
