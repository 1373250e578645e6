extension Timeline {
  /// Executes one instruction, or takes one interrupt or exception. `.watchpoint` if that accessed an
  /// armed one, `.end` (without moving) at the end of the recording, else `.done`. Breakpoints and conditions
  /// don't matter.
  public func step() async throws(TimelineError) -> TimelineStop {
    try await movement { () async throws(Setback) -> TimelineStop in
      guard self.current.moment < self.recorded.upperBound else {
        return self.commit(self.current, .end)
      }
      if let index = self.traceIndex, let here = self.tracedState(index),
        let next = self.tracedState(index + 1), let access = self.tracedAccess(here)
      {
        return self.commit(next.place, access.stepReason)
      }
      try await self.bringToPosition()
      try await self.apply(StopSet(watchpoints: self.armed.engineStops.watchpoints))
      let stop = try await self.stepEngine()
      let next = try await self.placeHere()
      try await self.extendTrace(from: self.current, to: next, stop)
      return self.commit(next, self.stepReason(stop.access))
    }
  }

  /// Undoes one instruction, or the taking of one interrupt or exception. `.watchpoint` if the undone one
  /// had accessed an armed one, `.beginning` (without moving) at the beginning of the recording, else
  /// `.done`.
  public func reverseStep() async throws(TimelineError) -> TimelineStop {
    try await movement { () async throws(Setback) -> TimelineStop in
      if let stop = self.stepBackInTrace() { return stop }
      guard try await !self.isAtBeginning() else { return self.commit(self.current, .beginning) }
      let watched = self.armed.engineStops.watchpoints
      let index = try await self.recordTrace(to: self.current, watched: watched)
      self.traceIndex = index
      return self.stepBackInTrace() ?? self.commit(self.current, .beginning)
    }
  }

  private func stepBackInTrace() -> TimelineStop? {
    guard let traceIndex, let state = tracedState(traceIndex - 1),
      let access = tracedAccess(state)
    else { return nil }
    return commit(state.place, access.stepReason)
  }

  /// Whether nothing comes before the position.
  func isAtBeginning() async throws(Setback) -> Bool {
    guard current.moment == recorded.lowerBound else { return false }
    if current.isFirst { return true }
    try await bring(to: recorded.lowerBound)
    return try await placeHere().isSame(as: current)
  }

  private func stepReason(_ access: Watchpoint?) -> TimelineStop.Reason {
    guard let access, armed.watchpoints.keys.contains(access) else { return .done }
    return .watchpoint(access)
  }
}
