public import Bytes
public import Symbols
public import Unwinding

/// A stack with its names, from which variables can be read.
public struct SymbolicStack: Sendable {
  public let process: Process
  /// With the frames of functions that left the stack by a tail call.
  public private(set) var backtrace: Backtrace
  /// The lines that gdb would print.
  public private(set) var lines: [SymbolicFrame]
  /// Where the thread's thread-local storage is; nil if the stack is no thread's.
  public let threadPointer: VirtualAddress?
  let vectorRegisters: VectorRegisters?
  let problems: ProblemLog

  /// - Parameter thread: whose registers the stack begins with; nil for a coroutine's.
  public init(
    _ backtrace: Backtrace, of process: Process, thread: TargetThread? = nil,
    usingDebugInformation: Bool = true, problems: ProblemLog
  ) {
    self.process = process
    self.backtrace = backtrace
    self.problems = problems
    problems.add(process.generatedCode.problems.lines)
    threadPointer = thread?.threadPointer
    vectorRegisters = thread?.record.flatMap { VectorRegisters($0) }
    lines = process.symbolicate(
      backtrace, usingDebugInformation: usingDebugInformation, problems: problems)
    if usingDebugInformation, let frames = TailCallFrames(stack: self).completed() {
      self.backtrace = Backtrace(frames: frames, stop: backtrace.stop)
      lines = process.symbolicate(
        self.backtrace, usingDebugInformation: usingDebugInformation, problems: problems)
    }
  }

  /// The function that frame `index` of the backtrace runs, inlined ones apart.
  func function(ofFrame index: Int) -> FunctionScope? {
    firstLine(ofFrame: index)?.function
  }

  /// The innermost line of frame `index` of the backtrace.
  func firstLine(ofFrame index: Int) -> SymbolicFrame? {
    let position = partition(lines.count) { lines[$0].frameIndex < index }
    guard position < lines.count, lines[position].frameIndex == index else { return nil }
    return lines[position]
  }

  /// What reads the variables of `line`; nil where there is no debug information.
  public func context(of line: SymbolicFrame) -> StackFrameContext? {
    line.scope == nil ? nil : StackFrameContext(self, frame: line.frameIndex)
  }

  /// The parameters of `line`'s function, or nil without debug information.
  public func parameters(of line: SymbolicFrame) -> [FrameText.Parameter]? {
    guard let scope = line.scope, let module = line.module,
      let information = module.contents.debugInformation
    else { return nil }
    let address = module.linkAddress(of: line.frame.lookupAddress).rawValue
    return problems.attempt(module.path) { () throws(SymbolError) in
      let here = try information.variables(in: scope, at: address, arguments: true)
      // An inlined function has no entry of its own: its parameters were never passed.
      guard !here.isEmpty, let entry = line.function?.entry else {
        return FrameText.Parameter.matching(here, atEntry: [])
      }
      return FrameText.Parameter.matching(
        here, atEntry: try information.variables(in: scope, at: entry, arguments: true))
    }
  }

  /// The local variables of `line`'s function that are in scope, innermost block first; nil without
  /// debug information.
  public func locals(of line: SymbolicFrame) -> [Variable]? {
    guard let scope = line.scope, let module = line.module,
      let information = module.contents.debugInformation
    else { return nil }
    let address = module.linkAddress(of: line.frame.lookupAddress).rawValue
    return problems.attempt(module.path) { () throws(SymbolError) in
      try information.variables(in: scope, at: address, arguments: false)
    }
  }
}
