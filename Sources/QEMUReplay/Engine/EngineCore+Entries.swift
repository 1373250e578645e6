internal import Bytes
internal import GDBRemote
internal import TimeTravel

// The CPU stores where to return to when it takes an interrupt or exception. If that memory is watched, QEMU 7.2 hangs or
// aborts: it takes the store for one of an instruction, and goes back to execute that one once more
// (softmmu/physmem.c, cpu_check_watchpoint); but there is none, and the event of the log that told of the interrupt
// or exception has gone. So memory that QEMU has failed watching isn't watched any more in the steps in which, by the
// log, an interrupt or exception comes. Where these store the registers tell.

/// What is known of interrupts and exceptions for going by them.
struct EntryCare {
  /// Watched memory that QEMU has failed with.
  fileprivate var ranges: Set<MemoryRange> = []
  /// Nil until they are wanted.
  fileprivate var moments: EntryMoments?
  /// Where the machine stands, its interrupt or exception of that moment has been taken.
  fileprivate var taken: Moment?
  /// It has come here by an instruction's end.
  fileprivate var arrived: Moment?

  /// The machine moves.
  mutating func leave() {
    taken = nil
    arrived = nil
  }

  /// After a step of the machine's that took no interrupt or exception as far as was foreseen.
  func after(_ start: Moment, _ now: Moment) -> EntryCare {
    var care = self
    care.taken = start == now ? taken : nil
    care.arrived = start == now ? nil : now
    return care
  }
}

/// What may come in a step.
enum ComingEntry {
  /// An interrupt, or an exception before the instruction ends.
  case atOnce
  /// An exception that is what the instruction is for.
  case byTrap
}

extension EngineCore {
  /// What the engine's user is told of a failure: after one that will come no more, so much.
  mutating func noteFailure(_ error: EngineError) -> EngineError {
    let detail: String
    switch error {
    case .died(let text): detail = text
    case .stalled(_, let text): detail = text
    default: return error
    }
    let watched = Set(stops.watchpoints.map(\.range))
    guard architecture.entry != nil, !entries.ranges.isSuperset(of: watched) else { return error }
    entries.ranges.formUnion(watched)
    instance.end()
    return .diedWatching(detail: detail)
  }

  private var isCareful: Bool {
    !entries.ranges.isEmpty && stops.watchpoints.contains { entries.ranges.contains($0.range) }
  }

  private mutating func entryMoments() throws(ReplayError) -> EntryMoments {
    if let moments = entries.moments { return moments }
    let moments = try recording.readEntries()
    entries.moments = moments
    return moments
  }

  /// The first moment from here on at which one may be taken, if care is needed.
  mutating func nextEntry(before limit: Moment) throws(ReplayError) -> Moment? {
    guard isCareful else { return nil }
    let here = try position()
    let first = entries.taken == here ? here.later(by: 1) : here
    guard let next = try entryMoments().nextStep(from: first.rawValue), next < limit.rawValue
    else { return nil }
    return Moment(next)
  }

  /// Whether an interrupt or exception may come in the next step, and nothing should be watched.
  mutating func mayTakeEntry() throws(ReplayError) -> Bool {
    guard architecture.entry != nil else { return false }
    let count = try position().rawValue
    return try entryMoments().nextStep(from: count) == count
  }

  /// Whether care is needed for the step from `start`.
  mutating func entryToCome(from start: Standing) throws(ReplayError) -> ComingEntry? {
    guard isCareful, entries.taken != start.moment else { return nil }
    let moments = try entryMoments()
    let count = start.moment.rawValue
    if moments.hasInterrupt(at: count) { return .atOnce }
    // Otherwise the machine may be behind a trap that has been taken.
    if moments.hasException(at: count), entries.arrived == start.moment { return .atOnce }
    guard moments.hasException(at: count &+ 1), let entry = architecture.entry,
      let code = try memory(MemoryRange(.virtual(start.registers.programCounter), count: 2))
    else { return nil }
    return entry.traps.contains { code.starts(with: $0) } ? .byTrap : nil
  }

  /// Replays one step with nothing watched.
  mutating func step(
    from start: Standing, taking entry: ComingEntry
  ) throws(ReplayError) -> EngineStop {
    let watched = stops.watchpoints
    let before = try contents(of: watched)
    try watch([])
    let care = entries
    let outcome = Swift.Result { () throws(ReplayError) in try step() }
    try watch(watched)
    _ = try outcome.get()
    let now = try stand()
    entries = care
    if now.moment == start.moment || entry == .byTrap {
      (entries.taken, entries.arrived) = (now.moment, nil)
      guard let frame = frame(from: start, to: now) else { return .reached }
      return stop(by: watched.filter { $0.access != .read && $0.range.overlaps(frame) })
    }
    // It was an instruction.
    (entries.taken, entries.arrived) = (nil, now.moment)
    let after = try contents(of: watched)
    return stop(by: watched.filter { before[$0] != after[$0] })
  }

  private func frame(from start: Standing, to now: Standing) -> MemoryRange? {
    let (before, after) = (start.registers.bytes, now.registers.bytes)
    return architecture.entry?.range(
      RegisterValues(architecture.description, packet: before),
      RegisterValues(architecture.description, packet: after))
  }

  /// Of several always the same.
  private func stop(by hits: Set<Watchpoint>) -> EngineStop {
    let first = hits.min { $0.range.rawStart < $1.range.rawStart }
    return first.map { .watchpoint($0) } ?? .reached
  }

  /// What is stored to and can be read.
  private mutating func contents(
    of watchpoints: Set<Watchpoint>
  ) throws(ReplayError) -> [Watchpoint: [UInt8]] {
    let list = watchpoints.filter { $0.access != .read }
    var contents: [Watchpoint: [UInt8]] = [:]
    for (watchpoint, bytes) in zip(list, try memory(list.map(\.range))) {
      contents[watchpoint] = bytes
    }
    return contents
  }
}
