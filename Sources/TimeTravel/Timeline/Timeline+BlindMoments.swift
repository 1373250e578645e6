// Engines that hang at some moment because they are told to watch memory. There the timeline steps with nothing watched
// and compares the memory instead, and tries whether the step changes it if it holds something else. What isn't
// noticed is a read.

/// A step from `place` that can't be watched.
struct BlindStep: Hashable, Sendable {
  let watchpoint: Watchpoint
  let place: Place
}

extension Timeline {
  /// Where the engine can't watch memory, in this session and, if there is a store, in later ones.
  var blindMoments: Set<Moment> { catalogue.blindMoments }

  /// Where it can't be told either whether a step stored.
  var untoldMoments: Set<Moment> {
    Set(blindVerdicts.lazy.filter { $0.value == nil }.map(\.key.place.moment))
  }

  /// Whether nothing can be watched at `moment`, though something is to be.
  func isBlind(at moment: Moment) -> Bool {
    guard let engineStops, !engineStops.watchpoints.isEmpty else { return false }
    return blindMoments.contains(moment)
  }

  /// How far a run from `start` can go at once.
  func limitOfSight(from start: Moment, to limit: Moment) -> Moment {
    guard let engineStops, !engineStops.watchpoints.isEmpty else { return limit }
    return blindMoments.lazy.filter { $0 > start && $0 < limit }.min() ?? limit
  }

  /// Does `body`, in which the engine moves on from `start`. If it hangs watching memory, notes where and
  /// throws `.blinded`.
  func watching(
    from start: Moment, _ body: (Engine) async throws(EngineError) -> EngineStop
  ) async throws(Setback) -> EngineStop {
    let stops = engineStops
    do throws(Setback) {
      return try await ask(body)
    } catch {
      guard case .failed(.stalled(let moment, _)) = error, let stops,
        !stops.watchpoints.isEmpty, noteStall(at: moment, from: start)
      else { throw error }
      throw .blinded
    }
  }

  /// False if it was known already, or there are too many.
  private func noteStall(at moment: Moment, from start: Moment) -> Bool {
    // QEMU counts down in slices of 2¹⁶ instructions, and shows a hung count short by one slice.
    let candidates = [moment, moment.later(by: 1 << 16)]
    guard blindMoments.count < 400,
      let stalled = candidates.first(where: { $0 >= start && !blindMoments.contains($0) })
    else { return false }
    for moment in stalled.earlier(by: 2).rawValue...stalled.later(by: 1).rawValue {
      catalogue.blindMoments.insert(Moment(moment))
    }
    isUnsaved = true
    return true
  }

  /// A step with nothing watched, judged by what the memory holds before and after it, and where that is the same by
  /// taking the step over other contents.
  func stepBlindly() async throws(Setback) -> EngineStop {
    guard let stops = engineStops else { return try await stepEngine() }
    let watched = stops.watchpoints.filter { $0.access != .read }
    let here = try await placeHere()
    let before = try await contents(of: watched)
    try await apply(.none)
    _ = try await stepEngine()
    let after = try await contents(of: watched)
    let changed = watched.first { before[$0] != after[$0] }
    // What isn't mapped isn't stored to.
    let candidates = watched.filter { before[$0] != nil }
    let stop: Watchpoint? =
      if let changed { changed } else { try await silentStore(to: candidates, from: here) }
    try await apply(stops)
    return stop.map { .watchpoint($0) } ?? .reached
  }

  /// Which of the watched ranges the step from `here` stored to though none changed; the engine stands behind it,
  /// and does afterwards.
  private func silentStore(
    to watched: Set<Watchpoint>, from here: Place
  ) async throws(Setback) -> Watchpoint? {
    let next = try await placeHere()
    var found: Watchpoint?
    // Through which of several addresses of the same memory it was can't be told: always the same one is named.
    for watchpoint in watched.sorted(by: { $0.range.rawStart < $1.range.rawStart })
    where found == nil {
      let step = BlindStep(watchpoint: watchpoint, place: here)
      if let known = blindVerdicts[step] {
        if known == true { found = watchpoint }
        continue
      }
      let verdict = try await storesOverOtherContents(
        to: watchpoint.range, from: here, watching: false)
      blindVerdicts[step] = .some(verdict)
      if verdict == true { found = watchpoint }
    }
    try await bring(to: next)
    return found
  }

  /// What the watched ranges hold where the engine stands; those that can't be read are left out.
  private func contents(
    of watchpoints: Set<Watchpoint>
  ) async throws(Setback) -> [Watchpoint: [UInt8]] {
    var contents: [Watchpoint: [UInt8]] = [:]
    for watchpoint in watchpoints {
      contents[watchpoint] = try await self.contents(of: watchpoint.range)
    }
    return contents
  }
}
