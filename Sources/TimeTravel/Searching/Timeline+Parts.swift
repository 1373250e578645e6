// Of several watchpoints that one instruction accesses, an engine names one. If that one's condition doesn't hold,
// another's might. So stops among which that can matter are looked for one part after the other, in each
// of which it can't.

extension ArmedStops {
  /// Parts that together stop where these do. In each, either no watchpoint has a condition or there is only
  /// one.
  var parts: [ArmedStops] {
    let conditional = watchpoints.filter { $0.value != nil }
    guard watchpoints.count > 1, !conditional.isEmpty else { return [self] }
    var rest = self
    for watchpoint in conditional.keys { rest.watchpoints[watchpoint] = nil }
    var parts = conditional.map { watchpoint, condition in
      ArmedStops(watchpoints: [watchpoint: condition])
    }
    if rest.watchpoints.isEmpty {
      parts[0].breakpoints = rest.breakpoints
    } else {
      parts.append(rest)
    }
    return parts
  }
}

extension Timeline {
  /// The last stop before `origin` and not before `earliest`; nil if there is none. It may be an earlier one
  /// if that is known anyway.
  func findLast(
    before origin: SearchBound, _ armed: ArmedStops, from earliest: Moment? = nil
  ) async throws(Setback) -> Hit? {
    var last: Hit?
    for part in armed.parts {
      let earliest = max(earliest ?? recorded.lowerBound, last?.stop.moment ?? recorded.lowerBound)
      guard let hit = try await findLastOfPart(before: origin, part, from: earliest) else {
        continue
      }
      guard let known = last else {
        last = hit
        continue
      }
      last = try await later(known, hit)
    }
    return last
  }

  /// Which of two is met first going backwards.
  private func later(_ one: Hit, _ other: Hit) async throws(Setback) -> Hit {
    if one.stop.isSame(as: other.stop) { return one.isAccess ? other : one }
    return try await comesFirst(one.stop, other.stop) ? other : one
  }

  /// Whether `one` comes before `other`, another place.
  func comesFirst(_ one: Place, _ other: Place) async throws(Setback) -> Bool {
    guard one.moment == other.moment else { return one.moment < other.moment }
    try await bring(to: one.moment)
    try await apply(.none)
    for _ in 0..<stepLimit {
      let here = try await placeHere()
      if here.isSame(as: one) { return true }
      if here.isSame(as: other) { return false }
      guard here.moment == one.moment else { break }
      _ = try await stepEngine()
    }
    throw .failed(.diverged(at: one.moment, since: lastAgreement(before: one.moment)))
  }
}
