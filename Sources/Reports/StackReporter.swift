public import Targets
public import Unwinding

/// Turns backtraces of one process into reports.
public struct StackReporter: Sendable {
  public let process: Process
  public let options: StackOptions

  public init(process: Process, options: StackOptions) {
    self.process = process
    self.options = options
  }

  /// The stack that `registers` are the innermost frame of, and what went wrong on the way.
  public func report(
    from registers: RegisterState, isAfterCall: Bool = false
  ) -> (stack: StackReport, problems: [String]) {
    let backtrace = process.backtrace(
      from: registers, limit: options.frameLimit, isAfterCall: isAfterCall)
    let (lines, problems) = process.symbolicate(
      backtrace, usingDebugInformation: !options.isRaw)
    let frames = lines.map { frame($0, in: backtrace) }
    return (StackReport(frames: frames, stop: StopReport(backtrace.stop)), problems)
  }

  private func frame(_ line: SymbolicFrame, in backtrace: Backtrace) -> FrameReport {
    var report = FrameReport(
      level: line.level, pc: line.frame.pc.description, showsAddress: line.showsAddress,
      function: line.functionName, evidence: line.frame.evidence.description)
    report.inlined = line.isInlined
    report.signalFrame = line.frame.isSignalFrame
    report.guess = line.frame.restsOnGuess
    report.module = line.module?.path
    if let symbol = line.symbol {
      report.symbol = symbol.symbol.name
      // The symbol was looked up inside the call; the offset is that of the return address.
      report.offset = symbol.offset + (line.frame.pc.rawValue &- line.frame.lookupAddress.rawValue)
    }
    if let location = line.scope?.location {
      report.file = location.file
      report.line = location.line
    }
    return report
  }
}

extension StopReport {
  init(_ stop: UnwindStop) {
    self.init(complete: stop.isComplete, reason: stop.description)
  }
}

extension UnwindStop {
  /// The outermost frame was reached.
  var isComplete: Bool {
    if case .endOfStack = self { true } else { false }
  }
}
