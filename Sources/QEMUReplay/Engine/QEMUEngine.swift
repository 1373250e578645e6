public import Bytes
internal import Dispatch
internal import GDBRemote
internal import HostSystem
internal import Synchronization
public import TimeTravel

/// QEMU as the engine that replays a recording.
///
/// QEMU is a process of its own that is asked and answers; all of that happens on a queue of this
/// engine's, so that no thread that others need is kept waiting.
public final class QEMUEngine: ReplayEngine {
  private let core: Mutex<EngineCore>
  private let queue = DispatchQueue(label: "varve.engine")
  private let interruption = Interruption()
  /// The core's, without waiting for it.
  private let seen: Sighting

  /// Starts QEMU on `recording`, which must have been closed or recovered, at its beginning.
  ///
  /// - Parameter patience: how long the instruction count may stay the same before a run is given up, and
  ///   at most ten seconds of it: how long restoring a checkpoint may take before QEMU is, besides the
  ///   time for reading it.
  public init(
    _ recording: Recording, patience: Duration = .seconds(10)
  ) throws(ReplayError) {
    let core = try EngineCore(recording, patience: patience)
    seen = core.sighting
    self.core = Mutex(core)
  }

  /// The registers of its processor, as debuggers are told.
  var description: TargetDescription { core.withLock { $0.architecture.description } }

  /// The process that QEMU is.
  public var processID: Int32 { core.withLock { $0.instance.child.processID } }

  /// What became of checkpoints of earlier sessions, if that has to be told.
  public var notice: String? { core.withLock { $0.image.notice } }

  /// Ends QEMU. Nothing else may be called afterwards. Throws if the checkpoints can't be kept.
  public func end() async throws(ReplayError) {
    let result: Swift.Result<Void, ReplayError> = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(
          returning: self.core.withLock { core in
            core.instance.end()
            return Swift.Result { () throws(ReplayError) in try core.image.close() }
          })
      }
    }
    try result.get()
  }

  /// Does `body` on the queue; what goes wrong becomes an engine's error.
  private func perform<Result: Sendable>(
    _ body: @escaping @Sendable (inout EngineCore) throws(ReplayError) -> Result
  ) async throws(EngineError) -> Result {
    let result: Swift.Result<Result, EngineError> = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(returning: self.core.withLock { $0.timed(body) })
      }
    }
    return try result.get()
  }

  // MARK: ReplayEngine

  public func recordedRange() async throws(EngineError) -> ClosedRange<Moment> {
    core.withLock { Moment(0)...$0.end }
  }

  public func guestClock() async throws(EngineError) -> GuestClock {
    try await perform { core throws(ReplayError) in try core.guestClock() }
  }

  public func timeSpent() async -> Duration { core.withLock { $0.timeSpent } }

  public func position() async throws(EngineError) -> Moment {
    if let standing = core.withLock({ $0.standing }) { return standing.moment }
    return try await perform { core throws(ReplayError) in try core.position() }
  }

  public func run(to limit: Moment) async throws(EngineError) -> EngineStop {
    let interruption = interruption
    return try await perform { core throws(ReplayError) in
      try core.run(to: limit, interruption: interruption)
    }
  }

  public func step() async throws(EngineError) -> EngineStop {
    try await perform { core throws(ReplayError) in try core.step() }
  }

  public func physicalAddress(
    of address: VirtualAddress
  ) async throws(EngineError) -> PhysicalAddress? {
    try await perform { core throws(ReplayError) in try core.physicalAddress(of: address) }
  }

  public func virtualAddresses(
    of address: PhysicalAddress
  ) async throws(EngineError) -> [VirtualAddress] {
    try await perform { core throws(ReplayError) in try core.virtualAddresses(of: address) }
  }

  public var sighting: Moment? { seen.moment }

  public func setStops(_ stops: StopSet) async throws(EngineError) {
    try await perform { core throws(ReplayError) in try core.setStops(stops) }
  }

  public func registers() async throws(EngineError) -> EngineRegisters {
    if let standing = core.withLock({ $0.standing }) { return standing.registers }
    return try await perform { core throws(ReplayError) in try core.registers() }
  }

  public func memory(_ range: MemoryRange) async throws(EngineError) -> [UInt8] {
    let bytes = try await perform { core throws(ReplayError) in try core.memory(range) }
    guard let bytes else { throw .unreadable(range) }
    return bytes
  }

  public func memory(_ ranges: [MemoryRange]) async throws(EngineError) -> [[UInt8]?] {
    try await perform { core throws(ReplayError) in try core.memory(ranges) }
  }

  /// Of a store that isn't aligned QEMU before 8.1 checks the page from its beginning to the store's end, though it
  /// crosses no page: a watchpoint anywhere before it in the page is taken to be hit (7.2
  /// accel/tcg/cputlb.c, store_helper_unaligned).
  public var mayReportOtherStores: Bool {
    core.withLock { $0.mayReportOtherStores }
  }

  public func storesNext(
    to range: MemoryRange, watching: Bool
  ) async throws(EngineError) -> Bool? {
    try await perform { core throws(ReplayError) in
      try core.storesNext(to: range, watching: watching)
    }
  }

  public func saveCheckpoint(_ name: CheckpointName) async throws(EngineError) -> UInt64 {
    let outcome = try await perform { core throws(ReplayError) in try core.save(name) }
    switch outcome {
    case .saved(let size): return size
    case .refused(let moment, let detail): throw .saveRefused(at: moment, detail: detail)
    }
  }

  public func restoreCheckpoint(_ name: CheckpointName) async throws(EngineError) {
    let isThere = try await perform { core throws(ReplayError) in try core.restore(name.text) }
    guard isThere else { throw .noSuchCheckpoint(name) }
  }

  public func deleteCheckpoint(_ name: CheckpointName) async throws(EngineError) {
    let isThere = try await perform { core throws(ReplayError) in try core.delete(name) }
    guard isThere else { throw .noSuchCheckpoint(name) }
  }

  public func checkpoints() async throws(EngineError) -> Set<CheckpointName> {
    try await perform { core throws(ReplayError) in try core.checkpoints() }
  }

  public func rewind() async throws(EngineError) {
    let name = RecordingPlan.startSnapshot
    let isThere = try await perform { core throws(ReplayError) in try core.restore(name) }
    guard isThere else { throw .failed("the recording has lost its initial snapshot, \(name)") }
  }

  public func interrupt() async { interruption.set() }

  public func restart() async throws(EngineError) {
    try await perform { core throws(ReplayError) in try core.restart() }
  }
}

/// A wish to end what runs.
final class Interruption: Sendable {
  private let isWanted = Atomic<Bool>(false)

  func set() { isWanted.store(true, ordering: .releasing) }

  /// Whether it was set since the last time.
  func take() -> Bool { isWanted.exchange(false, ordering: .acquiringAndReleasing) }
}
