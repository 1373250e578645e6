public import Bytes

/// An access that a search found.
public struct AccessRecord: Hashable, Sendable {
  /// When the instruction began: the moment to seek to for seeing memory as it was before.
  public let moment: Moment
  /// The registers before the instruction.
  public let registers: EngineRegisters
  /// The memory in question before the instruction; nil if it couldn't be read there.
  public let before: [UInt8]?
  /// And after it.
  public let after: [UInt8]?

  /// The instruction.
  public var programCounter: VirtualAddress { registers.programCounter }
}

/// One place at which a run forwards would stop.
public struct Occurrence: Hashable, Sendable {
  /// Where the run would stop: for an access, after it.
  public let moment: Moment
  public let reason: TimelineStop.Reason
  /// Where the machine then is.
  public let programCounter: VirtualAddress
}

extension Timeline {
  /// Which instruction before the position wrote to `range` last; nil if none did since the beginning of the
  /// recording. The position stays. Throws `.interrupted`, and `.unsupported` if the engine can't
  /// watch such memory.
  public func lastWrite(to range: MemoryRange) async throws(TimelineError) -> AccessRecord? {
    let watchpoint = Watchpoint(range, access: .write)
    var armed = ArmedStops()
    armed.watchpoints[watchpoint] = .some(nil)
    let search = armed
    return try await request { () async throws(Setback) -> AccessRecord? in
      guard let hit = try await self.findLast(before: self.current, search) else { return nil }
      let kept = self.trace
      defer { self.setTrace(kept) }
      // Leaves the engine just after the access.
      let place = try await self.landing(on: hit)
      let after = try await self.contents(of: range)
      try await self.bring(to: place)
      return AccessRecord(
        moment: place.moment, registers: place.registers,
        before: try await self.contents(of: range), after: after)
    }
  }

  private func contents(of range: MemoryRange) async throws(Setback) -> [UInt8]? {
    try await ask { engine throws(EngineError) -> [UInt8]? in
      do throws(EngineError) {
        return try await engine.memory(range)
      } catch {
        if case .unreadable = error { return nil }
        throw error
      }
    }
  }

  /// All places in `range` (by default the whole recording) at which a run forwards would stop, in order; at
  /// most `limit`, and whether that cut it short. The first state of the range itself isn't one. The
  /// position stays. Throws `.interrupted`.
  public func occurrences(
    in range: ClosedRange<Moment>? = nil, limit: Int = 100_000
  ) async throws(TimelineError) -> (occurrences: [Occurrence], isComplete: Bool) {
    let range = range ?? recorded
    guard recorded.contains(range.lowerBound), recorded.contains(range.upperBound) else {
      throw .outsideRecording(range.upperBound, recorded: recorded)
    }
    let armed = self.armed
    return try await request {
      () async throws(Setback) -> (occurrences: [Occurrence], isComplete: Bool) in
      try await self.collect(armed, in: range, limit: limit)
    }
  }

  private func collect(
    _ armed: ArmedStops, in range: ClosedRange<Moment>, limit: Int
  ) async throws(Setback) -> (occurrences: [Occurrence], isComplete: Bool) {
    var found: [Occurrence] = []
    guard !armed.isEmpty else { return (found, true) }
    try await bring(to: range.lowerBound)
    var laying = CheckpointLaying(focus: nil)
    while try await state().moment < range.upperBound {
      let stop = try await move(to: range.upperBound, armed.engineStops, &laying)
      // A run stops once, whatever the reasons.
      if let reason = try await judge(stop, armed).first {
        guard found.count < limit else { return (found, false) }
        let here = try await placeHere()
        found.append(
          Occurrence(
            moment: here.moment, reason: reason, programCounter: here.registers.programCounter))
      }
      try await arrive(&laying)
    }
    return (found, true)
  }
}
