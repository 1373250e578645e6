import Bytes
import Symbols
public import Targets
public import Unwinding

/// Turns stacks of one process into reports.
public struct StackReporter: Sendable {
  public let process: Process
  public let options: StackOptions
  /// What went wrong on the way.
  public let problems: ProblemLog

  public init(process: Process, options: StackOptions, problems: ProblemLog = ProblemLog()) {
    self.process = process
    self.options = options
    self.problems = problems
  }

  /// The stack of `thread`.
  public func report(_ thread: TargetThread) -> ThreadReport {
    let pthread = thread.threadPointer.flatMap { $0.rawValue == 0 ? nil : $0.description }
    return ThreadReport(
      number: thread.number, lwp: thread.lwp, pthread: pthread, signal: thread.signal,
      stack: stack(from: thread.registers, thread: thread))
  }

  /// The stack that `registers` are the innermost frame of.
  public func stack(from registers: RegisterState, thread: TargetThread? = nil) -> StackReport {
    report(process.backtrace(from: registers, limit: options.frameLimit), thread: thread)
  }

  /// The stack that `backtrace` walked. `complete` may add to the report of each line; it is told
  /// which are the last of their frames: those of the functions that others were inlined into.
  public func report(
    _ backtrace: Backtrace, thread: TargetThread? = nil,
    complete: (SymbolicFrame, _ isLastOfFrame: Bool, inout FrameReport) -> Void = { _, _, _ in }
  ) -> StackReport {
    let stack = SymbolicStack(
      backtrace, of: process, thread: thread, usingDebugInformation: !options.isRaw,
      problems: problems)
    let frames = stack.lines.enumerated().map { index, line in
      var report = frame(line, in: stack)
      let isLast =
        index + 1 == stack.lines.count || stack.lines[index + 1].frameIndex != line.frameIndex
      complete(line, isLast, &report)
      return report
    }
    return StackReport(frames: frames, stop: StopReport(backtrace.stop))
  }

  private func frame(_ line: SymbolicFrame, in stack: SymbolicStack) -> FrameReport {
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
    if let location = line.scope == nil ? assemblyLocation(of: line) : line.scope?.location {
      report.file = location.file
      report.line = location.line
    } else {
      report.library = line.module?.libraryName
    }
    addVariables(of: line, in: stack, to: &report)
    return report
  }

  /// The line of code that no function's debug information covers: assembly, as a rule.
  private func assemblyLocation(of line: SymbolicFrame) -> SourceLocation? {
    guard !options.isRaw, !line.frame.isSignalFrame, let module = line.module,
      let information = module.contents.debugInformation
    else { return nil }
    do throws(SymbolError) {
      return try information.location(
        at: module.linkAddress(of: line.frame.lookupAddress).rawValue)
    } catch {
      problems.add("\(module.path): \(error)")
      return nil
    }
  }

  private func addVariables(
    of line: SymbolicFrame, in stack: SymbolicStack, to report: inout FrameReport
  ) {
    guard let scope = line.scope, let context = stack.context(of: line) else { return }
    var formatOptions = FormatOptions()
    formatOptions.frameArguments = options.frameArguments
    let formatter = ValueFormatter(
      memory: process.memory, language: scope.language, options: formatOptions,
      nameAddress: { [process] in process.name(of: $0) },
      findStaticMember: { [problems] in line.module?.staticMember($2, of: $1, in: $0, problems) })
    let text = FrameText(formatter: formatter, reader: VariableReader(context))
    if let parameters = stack.parameters(of: line) { report.arguments = text.arguments(parameters) }
    if options.withLocals, let locals = stack.locals(of: line) {
      report.locals = text.locals(locals)
    }
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
