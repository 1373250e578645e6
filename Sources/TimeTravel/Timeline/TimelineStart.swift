/// What a timeline learns of its engine before the first request. The engine then stands at the recording's
/// beginning.
struct TimelineStart: Sendable {
  let recorded: ClosedRange<Moment>
  let clock: GuestClock
  /// At the recording's beginning.
  let registers: EngineRegisters
  /// What was loaded, as far as it still holds.
  private(set) var catalogue: CheckpointCatalogue

  /// An engine that ends is started again at most `restartLimit` times. Throws what `Timeline.init` does.
  init<Engine: ReplayEngine>(
    _ engine: Engine, _ catalogue: CheckpointCatalogue, restartLimit: Int
  ) async throws(TimelineError) {
    var deaths = 0
    while true {
      do throws(EngineError) {
        if deaths > 0 { try await engine.restart() }
        self = try await Self.begin(engine, catalogue)
        break
      } catch {
        guard case .died(let detail) = error else { throw TimelineError(error) }
        deaths += 1
        guard deaths <= restartLimit else {
          throw .engineLost(attempts: deaths, detail: detail)
        }
      }
    }
    let digest = StateDigest(registers)
    if let beginning = self.catalogue.beginning, beginning != digest {
      throw .diverged(at: recorded.lowerBound, since: recorded.lowerBound)
    }
    self.catalogue.beginning = digest
    self.catalogue.clock = clock
  }

  private static func begin<Engine: ReplayEngine>(
    _ engine: Engine, _ loaded: CheckpointCatalogue
  ) async throws(EngineError) -> TimelineStart {
    let recorded = try await engine.recordedRange()
    let clock = try await engine.guestClock()
    try await engine.setStops(.none)
    try await engine.rewind()
    let registers = try await engine.registers()
    var catalogue = loaded
    catalogue.keep(within: recorded)
    let stored = try await engine.checkpoints()
    catalogue.keep(stored)
    // Those that a session left behind without listing them are in the way of new ones.
    let listed = Set(catalogue.checkpoints.map(\.name))
    for name in stored.subtracting(listed).sorted() where name.text.hasPrefix(checkpointPrefix) {
      try await engine.deleteCheckpoint(name)
    }
    return TimelineStart(recorded, clock, registers, catalogue)
  }

  private init(
    _ recorded: ClosedRange<Moment>, _ clock: GuestClock, _ registers: EngineRegisters,
    _ catalogue: CheckpointCatalogue
  ) {
    self.recorded = recorded
    self.clock = clock
    self.registers = registers
    self.catalogue = catalogue
  }
}
