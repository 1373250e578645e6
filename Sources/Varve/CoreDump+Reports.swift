extension CoreDump {
  /// What `varve info` shows.
  public func info() -> InfoReport {
    var report = InfoReport(file: path, core: core, process: process, warnings: warnings)
    if let identity = QEMUIdentity(process) {
      report.qemu = QEMUReport(version: identity.version, evidence: identity.evidence)
    }
    return report
  }

  /// What `varve bt` shows. Throws if there is no such thread or coroutine.
  public func backtraces(
    _ selection: StackSelection, options: StackOptions
  ) throws(SelectionError) -> BacktraceReport {
    let stacks = StackReporter(process: process, options: options)
    let threads = try process.threads(selection)
    process.prepareBacktraces(of: threads, usingDebugInformation: !options.isRaw)
    var report = BacktraceReport(file: path)
    report.warnings = warnings
    let inspection = selection.needsCoroutines(in: process) ? inspection() : nil
    let coroutines = inspection.map { reporter(stacks, $0) }
    report.threads = threads.map { thread in
      var report = stacks.report(thread)
      if let coroutines { report.coroutines = coroutines.callers(on: thread) }
      return report
    }
    if let inspection, let coroutines {
      report.coroutines = try selection.coroutines(of: inspection).map(coroutines.stack)
      report.warnings += inspection.coroutines.diagnostics
    }
    report.warnings += stacks.problems.lines
    return report
  }
}

extension StackSelection {
  /// Whether coroutines were asked for, or may stand behind a thread's own stack.
  fileprivate func needsCoroutines(in process: Process) -> Bool {
    switch self {
    case .coroutine: true
    case .first(let coroutines), .all(let coroutines): coroutines
    case .thread: QEMUIdentity(process) != nil
    }
  }

  /// The coroutines whose own stacks are shown. Throws if the one that is named isn't there.
  fileprivate func coroutines(
    of inspection: QEMUInspection
  ) throws(SelectionError) -> [Coroutine] {
    let found = inspection.coroutines.coroutines
    switch self {
    case .thread, .first(false), .all(false): return []
    case .coroutine(let address):
      guard let coroutine = found.first(where: { $0.address == address }) else {
        throw .noCoroutine(address.description)
      }
      return [coroutine]
    case .first(true), .all(true):
      return found.filter { coroutine in
        // One that runs was shown as its thread.
        if case .running = coroutine.state { return false }
        return coroutine.state.isLive
      }
    }
  }
}
