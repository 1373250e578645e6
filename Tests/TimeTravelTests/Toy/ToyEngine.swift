import Bytes
import TimeTravel

/// An engine as awkward as a real one, deterministic, that counts its work and fails on demand.
actor ToyEngine: ReplayEngine {
  /// What is to go wrong.
  struct Faults {
    /// The number of the call, counted from 1, in which the engine ends.
    var deathCalls: Set<Int> = []
    /// Whether an ended engine can be started again.
    var canRestart = true
    /// Checkpoints don't survive the end.
    var losesCheckpoints = false
    /// Runs get no further than this count.
    var stallsAt: UInt64?
    /// Hangs for good executing the instruction before this count while it watches memory, and then
    /// shows a count that is this much too low.
    var stallsWatching: (at: UInt64, error: UInt64)?
    /// Ends executing the instruction before each of these counts while it watches memory, once each.
    var diesWatching: Set<UInt64> = []
    /// From the second time that this count is passed, a register differs.
    var divergesAt: UInt64?
    /// No checkpoint can be saved at such a count.
    var refusesSaving: @Sendable (UInt64) -> Bool = { _ in false }
    /// A run that reaches its limit by an instruction that accesses a watchpoint says only the former.
    var hidesAccessAtLimit = false
    /// It can't tell where virtual addresses lie.
    var cannotTranslate = false
    /// It can't tell where physical memory is mapped.
    var cannotListMappings = false
    /// It can't tell what the next step stores to.
    var cannotTellStores = false
    /// Restoring this checkpoint gives a state with a wrong register.
    var spoiledCheckpoint: CheckpointName?
  }

  /// What the engine did so far.
  struct Work: Equatable {
    var calls = 0
    /// Instructions, interrupts and exceptions, by runs and single steps together.
    var executed = 0
    var steps = 0
    var stops = 0
    var saves = 0
    var restores = 0
    var restarts = 0
  }

  let program: ToyProgram
  private var machine: ToyMachine
  private var kept: [CheckpointName: ToyMachine] = [:]
  private var stops = StopSet.none
  private var isDead = false
  private var isInterruptPending = false
  private var passesOfDivergence = 0
  private(set) var work = Work()
  private var faults = Faults()
  /// What restoring a checkpoint waits for.
  private var delay: (@Sendable () async -> Void)?
  private var interruption: (call: Int, action: @Sendable () async -> Void)?
  /// What save, restore and stop take, in instructions.
  private let costs: (save: Int, restore: Int, stop: Int)
  /// A store anywhere above it in memory is reported for a watchpoint, too, as QEMU 7.2 does within a page.
  let mayReportOtherStores: Bool
  /// What an instruction takes, in nanoseconds.
  private let nanoseconds: Int

  init(
    _ program: ToyProgram, costs: (save: Int, restore: Int, stop: Int) = (40, 20, 4),
    nanoseconds: Int = 1, reportsOtherStores: Bool = false
  ) {
    mayReportOtherStores = reportsOtherStores
    self.program = program
    self.nanoseconds = nanoseconds
    self.costs = costs
    machine = ToyMachine(program)
  }

  func delayRestoring(_ delay: (@Sendable () async -> Void)?) { self.delay = delay }

  func fail(_ faults: Faults) { self.faults = faults }

  /// Calls `action` in the call with this number, as if it came from outside.
  func interrupt(inCall call: Int, _ action: @escaping @Sendable () async -> Void) {
    interruption = (call, action)
  }

  func resetWork() { work = Work() }

  var checkpointCount: Int { kept.count }

  private func enter() async throws(EngineError) {
    work.calls += 1
    if let interruption, interruption.call == work.calls {
      self.interruption = nil
      await interruption.action()
    }
    if faults.deathCalls.contains(work.calls) { isDead = true }
    if isDead { throw .died(detail: "killed in call \(work.calls)") }
  }

  // MARK: ReplayEngine

  func recordedRange() async throws(EngineError) -> ClosedRange<Moment> {
    try await enter()
    return program.range
  }

  func guestClock() async throws(EngineError) -> GuestClock {
    try await enter()
    return GuestClock(shift: 3)
  }

  func timeSpent() async -> Duration {
    .nanoseconds(
      nanoseconds
        * (work.executed + work.saves * costs.save + work.restores * costs.restore
          + (work.stops + work.steps) * costs.stop))
  }

  func position() async throws(EngineError) -> Moment {
    try await enter()
    return Moment(machine.count)
  }

  func run(to limit: Moment) async throws(EngineError) -> EngineStop {
    try await enter()
    guard limit.rawValue <= program.length else {
      // As QEMU does at the end of its log.
      isDead = true
      throw .died(detail: "ran past the end of the recording")
    }
    work.stops += 1
    while machine.count < limit.rawValue {
      if isInterruptPending {
        isInterruptPending = false
        return .interrupted
      }
      if machine.count == faults.stallsAt {
        throw .stalled(at: Moment(machine.count), detail: "waiting for nothing")
      }
      let address = ToyMachine.address(machine.programCounter)
      if stops.breakpoints.contains(address) { return .breakpoint(address) }
      try failIfWatching()
      if let stop = execute() {
        if faults.hidesAccessAtLimit, machine.count == limit.rawValue { return .reached }
        return stop
      }
    }
    return .reached
  }

  func step() async throws(EngineError) -> EngineStop {
    try await enter()
    guard machine.count < program.length else { return .reached }
    work.steps += 1
    try failIfWatching()
    let stop = execute()
    return stop == .elsewhere ? .reached : stop ?? .reached
  }

  private func failIfWatching() throws(EngineError) {
    if !stops.watchpoints.isEmpty, faults.diesWatching.remove(machine.count + 1) != nil {
      isDead = true
      throw .diedWatching(detail: "won't happen again")
    }
    guard let (count, error) = faults.stallsWatching, machine.count + 1 == count,
      !stops.watchpoints.isEmpty
    else { return }
    isDead = true
    throw .stalled(at: Moment(count - error), detail: "hangs")
  }

  /// Executes an instruction and gives why to stop after it; nil if there is no reason.
  private func execute() -> EngineStop? {
    work.executed += 1
    let accesses = machine.step(program)
    if machine.count == faults.divergesAt {
      passesOfDivergence += 1
      if passesOfDivergence > 1 { machine.words[3] &+= 1 }
    }
    let watchpoint = accesses.lazy.compactMap { access in
      self.stops.watchpoints.first { access.triggers($0) || self.isTakenFor($0, access) }
    }.first
    if let watchpoint { return .watchpoint(watchpoint) }
    let isElsewhere = accesses.contains { access in
      self.stops.watchpoints.contains { self.isBehind($0, access) }
    }
    return isElsewhere ? .elsewhere : nil
  }

  private func isBehind(_ watchpoint: Watchpoint, _ access: ToyAccess) -> Bool {
    mayReportOtherStores && access.isWrite && watchpoint.access == .write
      && access.address > watchpoint.range.rawStart
  }

  /// Of those to odd addresses it knows that they were elsewhere.
  private func isTakenFor(_ watchpoint: Watchpoint, _ access: ToyAccess) -> Bool {
    isBehind(watchpoint, access) && access.address.isMultiple(of: 2)
  }

  func storesNext(
    to range: MemoryRange, watching: Bool
  ) async throws(EngineError) -> Bool? {
    try await enter()
    precondition(stops.isEmpty, "what is set could stop it")
    guard !faults.cannotTellStores else { return nil }
    let places = (range.rawStart..<range.rawStart + range.count).compactMap { machine.physical($0) }
    for place in places { machine.memory[place] = ~machine.memory[place] }
    let inverse = places.map { machine.memory[$0] }
    work.executed += 1
    _ = machine.step(program)
    return places.map { machine.memory[$0] } != inverse
  }

  func setStops(_ stops: StopSet) async throws(EngineError) {
    try await enter()
    self.stops = .none
    for watchpoint in stops.watchpoints {
      guard case .virtual = watchpoint.range.start else {
        throw .unsupported("watchpoints on physical memory")
      }
    }
    self.stops = stops
  }

  func registers() async throws(EngineError) -> EngineRegisters {
    try await enter()
    // Different each time that it is replayed.
    return machine.registers(garbage: work.executed)
  }

  func memory(_ range: MemoryRange) async throws(EngineError) -> [UInt8] {
    try await enter()
    switch range.start {
    case .virtual(let start):
      guard let bytes = machine.contents(start.rawValue, range.count) else {
        throw .unreadable(range)
      }
      return bytes
    case .physical(let start):
      guard start.rawValue <= 256, range.count <= 256 - start.rawValue else {
        throw .unreadable(range)
      }
      let first = Int(start.rawValue)
      return Array(machine.memory[first..<first + Int(range.count)])
    }
  }

  func physicalAddress(
    of address: VirtualAddress
  ) async throws(EngineError) -> PhysicalAddress? {
    try await enter()
    guard !faults.cannotTranslate else { throw .unsupported("telling where addresses lie") }
    return machine.physical(address.rawValue).map { PhysicalAddress(UInt64($0)) }
  }

  func virtualAddresses(
    of address: PhysicalAddress
  ) async throws(EngineError) -> [VirtualAddress] {
    try await enter()
    guard !faults.cannotListMappings else { throw .unsupported("listing mappings") }
    return (0..<512).filter { machine.physical($0).map(UInt64.init) == address.rawValue }
      .map { VirtualAddress($0) }
  }

  func saveCheckpoint(_ name: CheckpointName) async throws(EngineError) -> UInt64 {
    try await enter()
    precondition(stops.isEmpty, "a checkpoint would hold breakpoints")
    precondition(kept[name] == nil, "a checkpoint would be overwritten")
    guard !faults.refusesSaving(machine.count) else {
      throw .saveRefused(at: Moment(machine.count), detail: "events are pending")
    }
    work.saves += 1
    kept[name] = machine
    return 1000
  }

  func restoreCheckpoint(_ name: CheckpointName) async throws(EngineError) {
    try await enter()
    guard let state = kept[name] else { throw .noSuchCheckpoint(name) }
    if let delay { await delay() }
    work.restores += 1
    machine = state
    if name == faults.spoiledCheckpoint { machine.words[1] &+= 1 }
  }

  func deleteCheckpoint(_ name: CheckpointName) async throws(EngineError) {
    try await enter()
    guard kept.removeValue(forKey: name) != nil else { throw .noSuchCheckpoint(name) }
  }

  func checkpoints() async throws(EngineError) -> Set<CheckpointName> {
    try await enter()
    return Set(kept.keys)
  }

  func rewind() async throws(EngineError) {
    try await enter()
    work.restores += 1
    machine = ToyMachine(program)
  }

  func interrupt() async { isInterruptPending = true }

  func restart() async throws(EngineError) {
    guard faults.canRestart else { throw .died(detail: "can't be started") }
    isDead = false
    work.restarts += 1
    if faults.losesCheckpoints { kept = [:] }
    stops = .none
    isInterruptPending = false
    machine = ToyMachine(program)
  }
}
