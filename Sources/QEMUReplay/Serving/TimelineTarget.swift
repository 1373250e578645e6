public import Bytes
public import GDBRemote
public import TimeTravel

/// A recording as debuggers see it: one CPU that runs both ways.
public final class TimelineTarget<Engine: ReplayEngine>: ResumableTarget, MonitoredTarget {
  public let description: TargetDescription
  let timeline: Timeline<Engine>
  /// How often long work tells how far it is.
  let progressInterval: Duration

  /// `description` is that of the engine's registers. Long work tells how far it is every `progressInterval`.
  public init(
    _ timeline: Timeline<Engine>, description: TargetDescription,
    progressInterval: Duration = .seconds(3)
  ) {
    self.timeline = timeline
    self.description = description
    self.progressInterval = progressInterval
  }

  // MARK: State

  public func threads() async throws(RemoteError) -> [RemoteThread] {
    [RemoteThread(id: .first, name: "CPU 0", details: "", core: 0)]
  }

  public func currentStop() async throws(RemoteError) -> Stop { Stop(.paused, thread: .first) }

  public func registers(of thread: ThreadID) async throws(RemoteError) -> RegisterValues {
    guard thread == .first else { throw .noThread(thread) }
    // The engine's layout is that of QEMU's own server, as the description's is.
    return RegisterValues(description, packet: await timeline.registers.bytes)
  }

  public func readMemory(
    at address: VirtualAddress, count: Int, thread: ThreadID
  ) async throws(RemoteError) -> [UInt8] {
    guard thread == .first else { throw .noThread(thread) }
    guard count > 0 else { return [] }
    if let bytes = try await read(address, count) { return bytes }
    // Some of it isn't there: page by page up to that.
    var bytes: [UInt8] = []
    while bytes.count < count {
      let (next, overflow) = address.rawValue.addingReportingOverflow(UInt64(bytes.count))
      let room = Int(4096 - next % 4096)
      guard !overflow,
        let piece = try await read(VirtualAddress(next), min(room, count - bytes.count))
      else { break }
      bytes += piece
    }
    guard !bytes.isEmpty else {
      throw .memory(address, reason: "it isn't mapped at this moment")
    }
    return bytes
  }

  /// Nil if some of it can't be read.
  private func read(_ address: VirtualAddress, _ count: Int) async throws(RemoteError) -> [UInt8]? {
    do throws(TimelineError) {
      return try await timeline.memory(MemoryRange(.virtual(address), count: UInt64(count)))
    } catch {
      if case .unreadable = error { return nil }
      throw .refused(error.description)
    }
  }

  // MARK: Running

  public var breakpointKinds: Set<Breakpoint.Kind> { Set(Breakpoint.Kind.allCases) }

  public var canReverse: Bool { true }

  public func check(_ breakpoint: Breakpoint) async throws(RemoteError) {
    guard breakpoint.length >= 1, breakpoint.length <= 4096 else {
      throw .refused("a length of \(breakpoint.length) bytes can't be watched")
    }
  }

  public func resume(
    _ resumption: Resumption, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> Stop {
    await arm(resumption.breakpoints)
    let stop = try await tellingProgress(print, lineEnd: "\n") { () async throws(RemoteError) in
      try await self.interruptibly { () async throws(TimelineError) -> TimelineStop in
        switch (resumption.extent, resumption.direction) {
        case (.step, .forward): try await self.timeline.step()
        case (.step, .backward): try await self.timeline.reverseStep()
        case (.unlimited, .forward): try await self.timeline.run()
        case (.unlimited, .backward): try await self.timeline.reverseRun()
        case (.stepping(let range), let direction):
          try await self.stepping(while: range, direction, resumption.breakpoints)
        }
      }
    }
    return Stop(reason(stop, resumption.breakpoints), thread: .first)
  }

  private func stepping(
    while range: Range<VirtualAddress>, _ direction: Resumption.Direction,
    _ breakpoints: [Breakpoint]
  ) async throws(TimelineError) -> TimelineStop {
    let addresses = Set(breakpoints.lazy.filter { !$0.kind.isWatchpoint }.map(\.address))
    while true {
      let stop =
        switch direction {
        case .forward: try await timeline.step()
        case .backward: try await timeline.reverseStep()
        }
      guard stop.reason == .done else { return stop }
      let counter = await timeline.registers.programCounter
      if addresses.contains(counter) {
        return TimelineStop(.breakpoint(counter), at: stop.moment)
      }
      if !range.contains(counter) { return stop }
      if Task.isCancelled { return TimelineStop(.interrupted, at: stop.moment) }
    }
  }

  /// Does `body`; cancelling this task interrupts the timeline.
  func interruptibly<Result: Sendable>(
    _ body: @Sendable () async throws(TimelineError) -> Result
  ) async throws(RemoteError) -> Result {
    let timeline = timeline
    do {
      return try await withTaskCancellationHandler(
        operation: body, onCancel: { Task { await timeline.interrupt() } })
    } catch let error as TimelineError {
      throw .refused(error.description)
    } catch {
      throw .refused("\(error)")
    }
  }

  private func reason(_ stop: TimelineStop, _ breakpoints: [Breakpoint]) -> StopReason {
    switch stop.reason {
    case .done: .paused
    case .breakpoint(let address):
      .breakpoint(breakpoints.first { !$0.kind.isWatchpoint && $0.address == address }?.kind)
    case .watchpoint(let watchpoint):
      .watchpoint(
        Self.kind(watchpoint.access), address: VirtualAddress(watchpoint.range.rawStart))
    case .beginning: .beginning
    case .end: .end
    case .interrupted: .interrupted
    }
  }

  // MARK: Breakpoints

  /// Makes `breakpoints` all that stops the timeline.
  func arm(_ breakpoints: [Breakpoint]) async {
    await timeline.removeAllStops()
    for breakpoint in breakpoints {
      let condition = condition(breakpoint)
      guard let access = Self.access(breakpoint.kind) else {
        await timeline.setBreakpoint(breakpoint.address, condition: condition)
        continue
      }
      let range = MemoryRange(
        .virtual(breakpoint.address), count: UInt64(max(1, breakpoint.length)))
      await timeline.setWatchpoint(Watchpoint(range, access: access), condition: condition)
    }
  }

  /// The client's condition, evaluated here; nil if there is none.
  private func condition(_ breakpoint: Breakpoint) -> StopCondition? {
    guard !breakpoint.conditions.isEmpty else { return nil }
    let description = description
    let key = breakpoint.conditions.flatMap { expression in
      // Lengths keep two of them apart from one that is both.
      withLength(expression.bytecode)
    }
    return StopCondition(key: key) { context throws(EngineError) in
      await breakpoint.applies(in: StopState(context, description))
    }
  }

  private func withLength(_ bytes: [UInt8]) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
  }

  private static func access(_ kind: Breakpoint.Kind) -> WatchedAccess? {
    switch kind {
    case .software, .hardware: nil
    case .writeWatch: .write
    case .readWatch: .read
    case .accessWatch: .readOrWrite
    }
  }

  private static func kind(_ access: WatchedAccess) -> Breakpoint.Kind {
    switch access {
    case .write: .writeWatch
    case .read: .readWatch
    case .readOrWrite: .accessWatch
    }
  }
}

/// Where a condition finds registers and memory.
private struct StopState: AgentContext {
  private let context: StopContext
  private let values: RegisterValues

  init(_ context: StopContext, _ description: TargetDescription) {
    self.context = context
    values = RegisterValues(description, packet: context.registers.bytes)
  }

  func register(_ number: Int) async throws(RemoteError) -> UInt64? { values.value(of: number) }

  func memory(at address: VirtualAddress, count: Int) async throws(RemoteError) -> [UInt8] {
    do throws(EngineError) {
      return try await context.memory(MemoryRange(.virtual(address), count: UInt64(count)))
    } catch {
      throw .memory(address, reason: error.description)
    }
  }
}
