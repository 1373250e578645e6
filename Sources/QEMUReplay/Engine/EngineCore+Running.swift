internal import Bytes
internal import TimeTravel

extension EngineCore {
  /// How often an interruption is looked for.
  private static let beat = Duration.milliseconds(20)

  mutating func run(
    to limit: Moment, interruption: Interruption
  ) throws(ReplayError) -> EngineStop {
    let limit = min(limit, end)
    while let entry = try nextEntry(before: limit) {
      if try position() < entry {
        let stop = try runWatching(to: entry, interruption)
        guard stop == .reached else { return stop }
        if let breakpoint = try breakpointHere() { return breakpoint }
      }
      if interruption.take() { return .interrupted }
      let stop = try step()
      guard stop == .reached else { return stop }
      if try position() < limit, let breakpoint = try breakpointHere() { return breakpoint }
    }
    return try runWatching(to: limit, interruption)
  }

  /// As `run`, where nothing comes on the way at which memory can't be watched.
  private mutating func runWatching(
    to limit: Moment, _ interruption: Interruption
  ) throws(ReplayError) -> EngineStop {
    let start = try position()
    guard start < limit else { return .reached }
    if interruption.take() { return .interrupted }
    // QEMU's main loop is what stops it at a count, and meanwhile the CPU's thread may take an interrupt that
    // is due there: sometimes it has, sometimes it hasn't. After a single step it never has.
    let near = limit.earlier(by: 1)
    if start < near {
      let stop = try run(from: start, to: near, interruption)
      guard stop == .reached else { return stop }
      if let breakpoint = try breakpointHere() { return breakpoint }
    }
    return try approach(limit)
  }

  private mutating func run(
    from start: Moment, to limit: Moment, _ interruption: Interruption?
  ) throws(ReplayError) -> EngineStop {
    var here = start
    // A step that hits a watchpoint ends by two debug exceptions in QEMU 7.2, and the second one is still
    // to come: the next run then stops at once and says nothing of why.
    var idleCount = 0
    var passedCount = 0
    while idleCount < 2 {
      guard let stop = try go(from: here, to: limit, interruption) else {
        idleCount += 1
        continue
      }
      guard stop == .elsewhere else {
        return stop == .reached && passedCount > 0 ? .elsewhere : stop
      }
      idleCount = 0
      passedCount += 1
      if interruption?.take() == true { return .interrupted }
      if let breakpoint = try breakpointHere() { return breakpoint }
      here = try count()
      if here >= limit || passedCount == Self.passLimit { return .elsewhere }
    }
    throw .stub("it stopped at \(here) for no reason, twice")
  }

  /// After so many stops elsewhere it is time to consider whether that is worthwhile: some milliseconds.
  private static let passLimit = 64

  /// Steps to the first state of `limit`, which is close.
  private mutating func approach(_ limit: Moment) throws(ReplayError) -> EngineStop {
    for _ in 0..<Self.approachLimit {
      // Looking for a hidden stop may have led there already.
      guard try position() < limit else { return .reached }
      let stop = try step()
      guard stop == .reached else { return stop }
      if try position() < limit, let breakpoint = try breakpointHere() { return breakpoint }
    }
    throw .stub("\(Self.approachLimit) steps don't lead to \(limit)")
  }

  /// More than interrupts and exceptions can come before one instruction in any sane machine.
  private static let approachLimit = 1000

  private mutating func breakpointHere() throws(ReplayError) -> EngineStop? {
    guard !stops.breakpoints.isEmpty else { return nil }
    let counter = try registers().programCounter
    return stops.breakpoints.contains(counter) ? .breakpoint(counter) : nil
  }

  /// Has QEMU run. Nil if it hasn't moved, for no reason.
  private mutating func go(
    from start: Moment, to limit: Moment, _ interruption: Interruption?
  ) throws(ReplayError) -> EngineStop? {
    try setBreak(at: limit.rawValue)
    leave()
    try instance.stub.send("c")
    flashWaits = false
    let (reply, wasInterrupted) = try wait(interruption)
    var stop = try StubStop(reply)
    let now = try position(after: stop)
    if now >= limit {
      // Where another stop came together with it QEMU may not have noticed.
      if stop.watched != nil { try removeBreak() } else { noteBreakReached() }
    }
    if stop.signal != 5, let hidden = try hiddenStop() {
      // Where somebody interrupted it, the access may still have to come. Nobody counts on what was found up to
      // there.
      if wasInterrupted { return .interrupted }
      stop = hidden
    }
    if let hit = try hit(stop) { return hit }
    if stop.watched != nil { return wasInterrupted ? .interrupted : .elsewhere }
    if now >= limit { return .reached }
    if wasInterrupted { return .interrupted }
    if now == start { return nil }
    throw .stub("it stopped at \(now) for no reason: \(reply)")
  }

  /// Where it stopped. Of a stop elsewhere, of which there may be thousands, nobody wants the registers.
  private mutating func position(after stop: StubStop) throws(ReplayError) -> Moment {
    guard let watched = stop.watched, layout.meaning(of: watched) == .elsewhere else {
      return try position()
    }
    return try count()
  }

  /// Replays one instruction.
  mutating func step() throws(ReplayError) -> EngineStop {
    let start = try stand()
    guard start.moment < end else { return .reached }
    if let entry = try entryToCome(from: start) { return try step(from: start, taking: entry) }
    let care = entries
    let stop = try stepWatching(from: start)
    entries = care.after(start.moment, try position())
    return stop
  }

  private mutating func stepWatching(from start: Standing) throws(ReplayError) -> EngineStop {
    if try isAtYield() { return try run(from: start.moment, to: start.moment.later(by: 1), nil) }
    // A step isn't to run into it.
    if let breakCount, breakCount <= start.moment.rawValue + 2 { try removeBreak() }
    let stop = try singleStep(from: start)
    return try stop.watched == nil ? .reached : hit(stop) ?? .reached
  }

  /// Has QEMU step from where it stands. Behind a step that hit a watchpoint it stops a second time before anything
  /// is executed.
  mutating func singleStep(from start: Standing) throws(ReplayError) -> StubStop {
    var stop: StubStop
    var count = 0
    repeat {
      leave()
      try instance.stub.send("s")
      flashWaits = false
      let (reply, _) = try wait(nil)
      stop = try StubStop(reply)
      count += 1
    } while try stand() == start && stop.watched == nil && count < 2
    return stop
  }

  /// Whether the next instruction is one after which QEMU looks for other work, and forgets that it was to stop:
  /// a step would execute the one behind it, too, or take the interrupt that ends the waiting.
  private mutating func isAtYield() throws(ReplayError) -> Bool {
    let range = MemoryRange(.virtual(try registers().programCounter), count: 4)
    guard let code = try memory(range) else { return false }
    return architecture.yields.contains { code.starts(with: $0) }
  }

  /// Waits for QEMU's stop, which an interruption brings about. Throws `.stalled` if the count stays
  /// the same for too long; QEMU is stopped then.
  mutating func wait(
    _ interruption: Interruption?
  ) throws(ReplayError) -> (reply: String, wasInterrupted: Bool) {
    var wasInterrupted = false
    var progress = Progress()
    while true {
      if let reply = try instance.stub.next(before: .now + Self.beat) {
        return (reply, wasInterrupted)
      }
      if !wasInterrupted, interruption?.take() == true {
        wasInterrupted = true
        try instance.stop()
      }
      guard let stall = try check(&progress) else { continue }
      let status = try instance.status()
      try instance.stop()
      _ = try instance.stub.next(before: .now + .seconds(5))
      throw .stalled(
        instruction: stall.count, status: status, seconds: Int(stall.time.components.seconds))
    }
  }

  /// What of that which was asked for QEMU stopped at; nil if nothing.
  private mutating func hit(_ stop: StubStop) throws(ReplayError) -> EngineStop? {
    guard stop.signal == 5 else { return nil }
    if let watched = stop.watched {
      switch layout.meaning(of: watched) {
      case .asked(let watchpoint): return .watchpoint(watchpoint)
      case .elsewhere: return nil
      case nil: throw .stub("it stopped for a watchpoint that isn't set")
      }
    }
    return try breakpointHere()
  }
}
