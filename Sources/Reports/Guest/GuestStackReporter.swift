import Bytes
public import LinuxGuest
import Symbols
public import Targets
import Unwinding

/// Which tasks' stacks are shown.
public enum GuestStackSelection: Hashable, Sendable {
  /// What each CPU runs.
  case cpus
  /// What the CPU of that number runs.
  case cpu(Int)
  case all
  /// The thread of that number; with 0 every idle task.
  case pid(Int)
}

/// Turns kernel stacks into reports.
public struct GuestStackReporter: Sendable {
  public let stacks: KernelStacks
  public let options: StackOptions
  /// What went wrong on the way.
  public let problems = ProblemLog()

  public init(_ stacks: KernelStacks, options: StackOptions) {
    self.stacks = stacks
    self.options = options
  }

  /// A task and its stack.
  public func report(_ task: GuestTask) -> GuestTaskStack {
    report(
      stacks.stack(of: task, limit: options.frameLimit),
      StackReporter(
        process: stacks.process, options: options, problems: problems))
  }

  private func report(_ stack: KernelStack, _ reporter: StackReporter) -> GuestTaskStack {
    let task = stack.task
    var report = GuestTaskStack(
      pid: task.pid, tgid: task.tgid, comm: task.name, state: String(task.state.rawValue),
      cpu: stack.cpu ?? task.cpu, address: task.address.description, origin: stack.reportedOrigin,
      notes: stack.notes)
    if case .none(let reason) = stack.origin { report.reason = reason }
    if case .user(let number) = stack.origin,
      let vcpu = stacks.cpus.first(where: { $0.number == number })?.vcpu
    {
      report.registers = SavedRegistersReport(vcpu.x86, stacks.process.architecture)
    }
    if let backtrace = stack.backtrace {
      report.stack = reporter.report(backtrace) { line, isLastOfFrame, frame in
        frame.stack = stacks.stackName(of: line.frame, task: task)
        guard isLastOfFrame, line.frame.evidence != .tailCall,
          let saved = stack.interruptions.first(where: {
            backtrace.frames[$0.frameIndex].cfa == line.frame.cfa
          })
        else { return }
        frame.savedRegisters = SavedRegistersReport(
          saved, stacks.process.architecture, symbol: symbol(of: saved))
      }
    }
    return report
  }

  /// What was interrupted, as crash writes it; nil for a program.
  private func symbol(of interruption: Interruption) -> String? {
    guard !interruption.isFromUserMode, let pc = interruption.registers[RegisterNumber(16)] else {
      return nil
    }
    let address = VirtualAddress(pc)
    guard let found = stacks.process.module(containing: address)?.symbol(at: address) else {
      return "unknown or invalid address"
    }
    return found.symbol.name + (found.offset == 0 ? "" : "+\(found.offset)")
  }

  // MARK: Groups

  /// What makes two stacks equal.
  private struct Key: Hashable {
    let counters: [VirtualAddress]
    let origin: GuestTaskStack.Origin
    let stop: String
  }

  /// Equal stacks once, those of the most tasks first.
  public func groups(_ tasks: [GuestTask]) -> [GuestStackGroup] {
    var places: [Key: Int] = [:]
    var groups: [(first: KernelStack, tasks: [GuestTask])] = []
    for task in tasks {
      let stack = stacks.stack(of: task, limit: options.frameLimit)
      var stop = stack.backtrace.map { $0.stop.kindOfEnd } ?? ""
      if case .none(let reason) = stack.origin { stop = reason }
      let key = Key(
        counters: stack.backtrace?.frames.map(\.pc) ?? [], origin: stack.reportedOrigin, stop: stop)
      if let place = places[key] {
        groups[place].tasks.append(task)
      } else {
        places[key] = groups.count
        groups.append((stack, [task]))
      }
    }
    var common = options
    common.frameArguments = .none
    common.withLocals = false
    let reporter = StackReporter(process: stacks.process, options: common, problems: problems)
    return groups.map { group in
      let report = report(group.first, reporter)
      return GuestStackGroup(
        tasks: group.tasks.sorted { $0.pid < $1.pid }.map {
          .init(pid: $0.pid, comm: $0.name, state: String($0.state.rawValue))
        }, origin: report.origin, reason: report.reason, stack: report.stack?.withoutRegisters)
    }
    .sorted { left, right in
      left.tasks.count != right.tasks.count
        ? left.tasks.count > right.tasks.count : left.tasks[0].pid < right.tasks[0].pid
    }
  }
}

extension UnwindStop {
  /// Why a stack ends, but for addresses that differ from one task to the next.
  fileprivate var kindOfEnd: String {
    if case .endOfStack = self { description } else { "early" }
  }
}

extension StackReport {
  /// Without the saved registers, which differ from task to task.
  fileprivate var withoutRegisters: StackReport {
    var report = self
    for index in report.frames.indices { report.frames[index].savedRegisters = nil }
    return report
  }
}

extension KernelStack {
  /// The CPU that runs it.
  fileprivate var cpu: Int? {
    switch origin {
    case .running(let cpu), .user(let cpu): cpu
    case .runningUnseen(let cpu): cpu
    case .switchedOut, .none: nil
    }
  }

  fileprivate var reportedOrigin: GuestTaskStack.Origin {
    switch origin {
    case .switchedOut: .switchedOut
    case .running: .running
    case .user: .userMode
    case .runningUnseen: .runningUnseen
    case .none: .none
    }
  }
}
