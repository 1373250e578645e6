import Bytes
public import QEMUProcess
public import Targets

/// Turns what was found out about a QEMU's coroutines into reports.
public struct CoroutineReporter: Sendable {
  private let inspection: QEMUInspection
  private let process: Process
  private let stacks: StackReporter
  /// Told of each stack that was read: its bytes won't be needed soon.
  public var letGo: @Sendable (CoroutineStack) -> Void = { _ in }

  public init(_ inspection: QEMUInspection, process: Process, stacks: StackReporter) {
    self.inspection = inspection
    self.process = process
    self.stacks = stacks
  }

  /// All coroutines: the live ones first.
  public func report(file: String, withWaits: Bool, warnings: [String]) -> CoroutinesReport {
    let found = inspection.coroutines
    let ordered =
      found.coroutines.filter(\.state.isLive) + found.coroutines.filter { !$0.state.isLive }
    let coroutines = ordered.map(coroutine)
    return CoroutinesReport(
      file: file, backend: inspection.backend?.rawValue,
      checkedByDebugInformation: inspection.hasDebugInformation, searched: found.searched,
      coroutines: coroutines,
      rejected: found.rejected.map {
        RejectedCoroutineReport(address: $0.address.description, reason: $0.reason)
      },
      waits: withWaits ? WaitsReport(inspection.waits) : nil,
      warnings: warnings + found.diagnostics + (withWaits ? inspection.waits.diagnostics : [])
        + stacks.problems.lines)
  }

  /// `coroutine`'s stack: its own registers, or those of the thread that runs it.
  public func stack(of coroutine: Coroutine) -> CoroutineStackReport {
    defer { letGo(coroutine.stack) }
    return CoroutineStackReport(
      address: coroutine.address.description, state: coroutine.state.description,
      // A jump buffer's program counter is where `sigsetjmp` returns to, a second time: the next
      // instruction is the frame's, as for a thread that was stopped there.
      stack: stacks.stack(from: coroutine.registers, thread: runningThread(of: coroutine)))
  }

  /// The coroutines that called each other up to the one on `thread`'s own stack, and that stack:
  /// what lies beyond the stack that the thread is on.
  public func callers(on thread: TargetThread) -> [CoroutineStackReport] {
    let running = inspection.coroutines.coroutines.first {
      $0.state == .running(thread: Int32(bitPattern: thread.lwp))
    }
    guard let running else { return [] }
    return running.callers.compactMap { caller in
      guard let registers = caller.registers else { return nil }
      let kind =
        switch caller.kind {
        case .coroutine: "called the one before"
        case .threadContext: "thread's own context"
        case .broken: "broken link"
        }
      return CoroutineStackReport(
        address: caller.address.description, state: kind,
        stack: stacks.stack(from: registers))
    }
  }

  private func runningThread(of coroutine: Coroutine) -> TargetThread? {
    guard case .running(let id) = coroutine.state else { return nil }
    return process.threads.first { Int32(bitPattern: $0.lwp) == id }
  }

  private func coroutine(_ coroutine: Coroutine) -> CoroutineReport {
    defer { letGo(coroutine.stack) }
    let use = coroutine.stack.deepestUse(in: process.memory)
    let frames = coroutine.state.isLive ? stack(of: coroutine).stack.frames : []
    let worker = CoroutineMachinery.firstWorker(in: frames.map { $0.function ?? "" })
    let entry = process.module(containing: coroutine.entry)?.symbol(at: coroutine.entry)
    return CoroutineReport(
      address: coroutine.address.description, state: coroutine.state.description,
      live: coroutine.state.isLive, entry: entry?.displayName ?? coroutine.entry.description,
      entryAddress: coroutine.entry.description, argument: hex(coroutine.argument),
      callers: coroutine.callers.map(\.address.description),
      context: coroutine.context.map { $0.name ?? "AioContext \($0.address)" },
      homeThread: coroutine.context?.homeThread, locksHeld: coroutine.locksHeld,
      stack: CoroutineStackUse(
        base: coroutine.stack.base.description, size: coroutine.stack.size,
        deepestUse: use.bytes, deepestUseIsComplete: use.isComplete),
      frame: worker.map { frames[$0.index] }, waitsFor: worker?.waitsFor,
      evidence: coroutine.evidence.map(\.description), doubts: coroutine.doubts)
  }
}

extension WaitsReport {
  init(_ graph: WaitGraph) {
    // First who waits, then what is done about what they wait for.
    let waiters = graph.edges.filter { $0.from.kind == .coroutine }
    let others = graph.edges.filter { $0.from.kind != .coroutine }
    edges = (waiters + others).map {
      Edge(from: $0.from.description, reason: $0.reason.rawValue, to: $0.to.description)
    }
    cycles = graph.cycles.map { $0.map(\.description) }
  }
}
