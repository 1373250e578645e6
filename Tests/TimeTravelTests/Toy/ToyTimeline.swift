import Bytes
import Testing
import TimeTravel

/// A timeline over a toy engine, with what it must say.
struct ToyTimeline {
  let engine: ToyEngine
  let timeline: Timeline<ToyEngine>
  let oracle: Oracle

  init(
    _ program: ToyProgram, policy: CheckpointPolicy = .toy, store: (any CatalogueStore)? = nil,
    reportsOtherStores: Bool = false
  ) async throws {
    engine = ToyEngine(program, reportsOtherStores: reportsOtherStores)
    oracle = Oracle(program)
    timeline = try await Timeline(engine, policy: policy, store: store)
  }

  /// Goes to the state `index`.
  func place(at index: Int) async throws {
    _ = try await timeline.seek(.moment(oracle.moment(index)))
    let first = try #require(oracle.first(of: oracle.moment(index)))
    for _ in first..<index { _ = try await timeline.step() }
  }

  /// Fails unless the timeline is in the state `index`.
  func expect(
    at index: Int, memory: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let machine = oracle.states[index].machine
    let position = await timeline.position
    let registers = await timeline.registers
    #expect(position == Moment(machine.count), sourceLocation: sourceLocation)
    #expect(registers == machine.registers, sourceLocation: sourceLocation)
    guard memory else { return }
    let all = MemoryRange(.virtual(VirtualAddress(0)), count: 256)
    let bytes = try await timeline.memory(all)
    #expect(bytes == machine.contents(0, 256), sourceLocation: sourceLocation)
  }

  func arm(_ stops: StopSet) async {
    await timeline.removeAllStops()
    for address in stops.breakpoints { await timeline.setBreakpoint(address) }
    for watchpoint in stops.watchpoints { await timeline.setWatchpoint(watchpoint) }
  }

  /// Fails unless `stop` is what the oracle says, and the timeline is there.
  func expect(
    _ stop: TimelineStop, _ truth: (index: Int, reasons: Set<TimelineStop.Reason>)?,
    otherwise: (index: Int, reason: TimelineStop.Reason),
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let reasons = truth?.reasons ?? [otherwise.reason]
    #expect(reasons.contains(stop.reason), sourceLocation: sourceLocation)
    try await expect(at: truth?.index ?? otherwise.index, sourceLocation: sourceLocation)
  }
}

extension CheckpointPolicy {
  /// For recordings of a few hundred instructions.
  static var toy: CheckpointPolicy {
    var policy = CheckpointPolicy()
    policy.assumedCosts = EngineCosts(
      instruction: .nanoseconds(1), save: .nanoseconds(40), restore: .nanoseconds(20))
    policy.runsPerSave = 3
    policy.maximumCount = 12
    policy.traceLength = 16
    policy.retryStride = 2
    return policy
  }
}

extension StopSet {
  /// Some breakpoints and watchpoints on what `program` uses.
  static func random(_ program: ToyProgram, _ generator: inout Generator) -> StopSet {
    var stops = StopSet()
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      let index = UInt8.random(in: 0..<UInt8(program.instructions.count), using: &generator)
      stops.breakpoints.insert(ToyMachine.address(index))
    }
    for _ in 0..<Int.random(in: 0...2, using: &generator) {
      let address = UInt64.random(in: 0..<20, using: &generator)
      let onStack = Bool.random(using: &generator)
      let range = MemoryRange(
        .virtual(VirtualAddress(onStack ? 235 + address : address)),
        count: UInt64.random(in: 1...4, using: &generator))
      let access = [WatchedAccess.read, .write, .readOrWrite].randomElement(using: &generator)
      stops.watchpoints.insert(Watchpoint(range, access: access ?? .write))
    }
    return stops
  }
}
