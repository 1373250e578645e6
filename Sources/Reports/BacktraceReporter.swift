public import Targets

/// What was asked for isn't in the dump.
public enum SelectionError: Error, Hashable, Sendable, CustomStringConvertible {
  case noThreads
  case noThread(Int, count: Int)
  case noCoroutine(String)

  public var description: String {
    switch self {
    case .noThreads: "the dump holds no thread"
    case .noThread(let number, let count):
      "no thread has the number or the thread id \(number); there are \(count) threads"
    case .noCoroutine(let address): "no coroutine was found at \(address)"
    }
  }
}

/// Collects the stacks of a process that a selection names.
public struct BacktraceReporter: Sendable {
  public let process: Process
  private let stacks: StackReporter

  public init(process: Process, options: StackOptions) {
    self.process = process
    stacks = StackReporter(process: process, options: options)
  }

  /// The threads that `selection` names. Throws if there is no such thread.
  public func threads(_ selection: StackSelection) throws(SelectionError) -> [TargetThread] {
    switch selection {
    case .all: return process.threads
    case .coroutine: return []
    case .first:
      guard let thread = process.threads.first else { throw .noThreads }
      return [thread]
    case .thread(let number):
      if let thread = process.threads.first(where: { $0.number == number }) { return [thread] }
      if let thread = process.threads.first(where: { Int($0.lwp) == number }) { return [thread] }
      throw .noThread(number, count: process.threads.count)
    }
  }

  /// The stack of `thread`, and what went wrong on the way.
  public func report(_ thread: TargetThread) -> (thread: ThreadReport, problems: [String]) {
    let (stack, problems) = stacks.report(from: thread.registers)
    let pthread = thread.threadPointer.flatMap { $0.rawValue == 0 ? nil : $0.description }
    let report = ThreadReport(
      number: thread.number, lwp: thread.lwp, pthread: pthread, signal: thread.signal, stack: stack)
    return (report, problems)
  }
}
