public import Bytes

/// A recording that can be walked in both directions.
///
/// The engine only replays forwards. Going back means restoring a checkpoint and replaying up to the place
/// wanted; a search backwards replays one stretch between checkpoints after the other, the latest first,
/// and remembers the last stop before the place where it began. What such passes see is kept: the
/// next hundred reverse steps, or the next search over the same stops, need no pass.
///
/// The timeline's position isn't the engine's. Registers and what a debugger usually reads are answered
/// from what was kept; the engine is brought to the position only when something else is read. So a
/// search that is interrupted or fails has moved nothing.
///
/// One request at a time: another throws `.busy`. Only `interrupt()` may come while one is under way.
public actor Timeline<Engine: ReplayEngine> {
  public let engine: Engine
  /// What can be reached.
  public let recorded: ClosedRange<Moment>
  public let clock: GuestClock

  let policy: CheckpointPolicy
  let store: (any CatalogueStore)?
  var catalogue: CheckpointCatalogue
  /// `catalogue` has changed since it was saved.
  var isUnsaved = false
  /// Why the list of checkpoints couldn't be kept for the next session; nil if it could.
  public internal(set) var storageProblem: TimelineError?

  var costs: EngineCosts
  /// How many passes have begun at each checkpoint.
  var passes: [Moment: Int] = [:]
  /// What the engine is set to stop at; nil if that isn't known.
  var engineStops: StopSet?
  /// Nil if it isn't known.
  var engineState: EngineState? {
    didSet { if let engineState { lastKnown = engineState.moment } }
  }
  /// Where it stood when that was known last.
  private var lastKnown: Moment
  /// Where the engine stands isn't a state of the recording, as far as one knows: it must go to a checkpoint
  /// first.
  var isAstray = false

  /// Where the user is.
  var current: Place
  var armed = ArmedStops()
  var trace: TraceWindow?
  /// Which state of `trace` is `current`.
  var traceIndex: Int?
  var hints = ReadHints()
  var logs = HitLogs()
  /// Which reported stores were ones.
  var verdicts: [ReportedStore: Bool] = [:]
  /// Which of the steps that can't be watched stored; nil where that can't be told.
  var blindVerdicts: [BlindStep: Bool?] = [:]
  /// What the last enumeration of stops found, for pictures.
  var found: [Occurrence] = []

  private var isBusy = false
  var isInterrupted = false
  /// Waits for the engine or an interruption, whichever comes first.
  var waiter: CheckedContinuation<Void, Never>?
  /// What the engine was left to when the user interrupted.
  var leftWork: Task<Result<Void, EngineError>, Never>?

  /// Begins at the start of the recording. Checkpoints of an earlier session are used if the engine still
  /// has them.
  ///
  /// Throws `.diverged` if the machine doesn't begin as it did in an earlier session, `.storage` if the
  /// store holds something else than a catalogue, and what the engine reports.
  public init(
    _ engine: Engine, policy: CheckpointPolicy = CheckpointPolicy(),
    store: (any CatalogueStore)? = nil
  ) async throws(TimelineError) {
    self.engine = engine
    self.policy = policy
    self.store = store
    costs = policy.assumedCosts
    let loaded = try store?.load() ?? CheckpointCatalogue()
    let start = try await TimelineStart(engine, loaded, restartLimit: policy.restartLimit)
    recorded = start.recorded
    clock = start.clock
    current = Place(moment: start.recorded.lowerBound, registers: start.registers, isFirst: true)
    lastKnown = start.recorded.lowerBound
    engineState = EngineState(
      moment: start.recorded.lowerBound, isFirst: true, registers: start.registers)
    engineStops = StopSet.none
    isUnsaved = start.catalogue != loaded
    catalogue = start.catalogue
  }

  // MARK: Where we are

  public var position: Moment { current.moment }

  /// Where a request that is under way was looking last.
  public var lookingAt: Moment { engineState?.moment ?? engine.sighting ?? lastKnown }

  /// The registers at the position.
  public var registers: EngineRegisters { current.registers }

  /// Memory at the position. Throws `.unreadable`.
  public func memory(_ range: MemoryRange) async throws(TimelineError) -> [UInt8] {
    let known = traceIndex.flatMap { trace?.memory(range, at: $0) }
    hints.note(range, with: current.registers, isKnown: known != nil)
    if let known { return known }
    return try await request { () async throws(Setback) -> [UInt8] in
      try await self.bringToPosition()
      return try await self.ask { engine throws(EngineError) in try await engine.memory(range) }
    }
  }

  // MARK: Breakpoints and watchpoints

  /// Stops before the instruction at `address` is executed, if `condition` holds there. Replaces one
  /// at the same address.
  public func setBreakpoint(_ address: VirtualAddress, condition: StopCondition? = nil) {
    armed.breakpoints[address] = .some(condition)
  }

  public func removeBreakpoint(_ address: VirtualAddress) {
    armed.breakpoints[address] = nil
  }

  /// Stops after (backwards: before) an instruction that accesses the watched memory, if `condition`
  /// holds after it.
  public func setWatchpoint(_ watchpoint: Watchpoint, condition: StopCondition? = nil) {
    armed.watchpoints[watchpoint] = .some(condition)
  }

  public func removeWatchpoint(_ watchpoint: Watchpoint) {
    armed.watchpoints[watchpoint] = nil
  }

  public func removeAllStops() { armed = ArmedStops() }

  // MARK: Requests

  /// Ends the request that is under way: a search returns to where it began, a run forwards stays where
  /// it is. Does nothing if none is.
  public func interrupt() async {
    guard isBusy else { return }
    isInterrupted = true
    wake()
    await engine.interrupt()
  }

  /// Runs `body`, anew each time that the engine ends, on an engine started again. `body` may change
  /// `current` only when nothing can go wrong any more.
  func request<Answer: Sendable>(
    _ body: () async throws(Setback) -> Answer
  ) async throws(TimelineError) -> Answer {
    guard !isBusy else { throw .busy }
    isBusy = true
    isInterrupted = false
    defer { isBusy = false }
    await awaitLeftWork()
    var deaths = 0
    var isGone = false
    while true {
      do throws(Setback) {
        if isGone { try await revive() }
        let answer = try await body()
        saveCatalogue()
        return answer
      } catch {
        switch error {
        case .blinded: isGone = true
        case .died(let detail):
          isGone = true
          deaths += 1
          guard deaths <= policy.restartLimit else {
            saveCatalogue()
            throw .engineLost(attempts: deaths, detail: detail)
          }
        case .interrupted:
          saveCatalogue()
          throw .interrupted
        case .failed(let failure):
          switch failure {
          case .diverged:
            // What passes saw is no more certain than what the last one saw.
            isAstray = true
            logs = HitLogs()
            setTrace(nil)
          case .stalled, .engine: isAstray = true
          default: break
          }
          saveCatalogue()
          throw failure
        }
      }
    }
  }

  /// A request that moves: interrupted, it stops where the timeline then is.
  func movement(
    _ body: () async throws(Setback) -> TimelineStop
  ) async throws(TimelineError) -> TimelineStop {
    do throws(TimelineError) {
      return try await request(body)
    } catch {
      guard case .interrupted = error else { throw error }
      return TimelineStop(.interrupted, at: current.moment)
    }
  }

  /// Moves the user to `place`.
  func commit(_ place: Place, _ reason: TimelineStop.Reason) -> TimelineStop {
    current = place
    traceIndex = trace?.index(of: place)
    return TimelineStop(reason, at: place.moment)
  }

  private func saveCatalogue() {
    guard isUnsaved, let store else { return }
    do throws(TimelineError) {
      try store.save(catalogue)
      isUnsaved = false
      storageProblem = nil
    } catch {
      // The session can go on; only the next one will begin without these checkpoints.
      storageProblem = error
    }
  }
}

/// What the names of all checkpoints that timelines save begin with.
let checkpointPrefix = "varve-"

extension TimelineError {
  /// What an engine's error is to the user.
  init(_ error: EngineError) {
    switch error {
    case .died(let detail), .diedWatching(let detail):
      self = .engineLost(attempts: 1, detail: detail)
    case .stalled(let moment, let detail): self = .stalled(at: moment, detail: detail)
    case .unreadable(let range): self = .unreadable(range)
    case .unsupported(let what): self = .unsupported(what)
    case .failed(let detail): self = .engine(detail)
    case .saveRefused, .noSuchCheckpoint: self = .engine(error.description)
    }
  }
}
