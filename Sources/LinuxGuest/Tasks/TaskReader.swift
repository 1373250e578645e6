internal import Bytes
internal import Symbols
public import Targets

/// Reads tasks of one kernel: where members lie was looked up once.
struct TaskReader: Sendable {
  let kernel: LinuxKernel
  let task: StructureLayout<TaskMember>
  let signals: StructureLayout<SignalMember>
  let pid: StructureLayout<PIDMember>
  let number: StructureLayout<NumberMember>
  private let names: KernelThreadNames?
  /// What can't be read of any task, a line each.
  private(set) var diagnostics: [String] = []

  init(_ kernel: LinuxKernel) throws(StructureError) {
    self.kernel = kernel
    task = try StructureLayout(kernel.types)
    signals = try StructureLayout(kernel.types)
    pid = try StructureLayout(kernel.types)
    number = try StructureLayout(kernel.types)
    do throws(StructureError) {
      names = try KernelThreadNames(kernel)
    } catch {
      names = nil
      diagnostics = ["kernel threads are shown with their short names only: \(error)"]
    }
  }

  /// `PID_MAX_LIMIT` (include/linux/threads.h): no number is greater.
  static let pidLimit = 4 << 20

  /// The task at `address`. Throws if what makes it a task can't be read; what else can't is told
  /// in the task's diagnostics.
  func read(_ address: VirtualAddress, from source: TaskSources) throws(TaskDamage) -> GuestTask {
    let image = StructureImage(task, at: address, in: kernel.memory)
    var result: GuestTask
    do throws(StructureError) {
      result = GuestTask(
        address: address,
        object: TypedAddress(address: address, type: task.type, memory: kernel.memory),
        pid: Int(try image.signed(.processID)), tgid: Int(try image.signed(.groupID)),
        comm: try image.text(.command),
        state: TaskState(
          state: try image.unsigned(.state), exitState: try image.unsigned(.exitState)),
        flags: TaskFlags(rawValue: UInt32(truncatingIfNeeded: try image.unsigned(.flags))),
        sources: source)
    } catch {
      throw .unreadable(error)
    }
    for number in [result.pid, result.tgid] where !(0...Self.pidLimit).contains(number) {
      throw .impossible(pid: number)
    }
    result.read("parent") { task throws(StructureError) in
      guard let parent = try image.pointer(.realParent) else { return }
      task.ppid = Int(try StructureImage(self.task, at: parent, in: kernel.memory).signed(.groupID))
    }
    result.read("scheduling") { task throws(StructureError) in try schedule(&task, image) }
    result.read("times") { task throws(StructureError) in
      task.startTime = try image.unsigned(.startTime)
      task.times = try times(image)
    }
    result.read("memory") { task throws(StructureError) in
      task.mm = try image.pointer(.memory)
      task.stack = try image.pointer(.stack)
      task.signals = try image.pointer(.signals)
    }
    result.read("numbers") { task throws(StructureError) in
      task.namespacePIDs = try namespacePIDs(image)
    }
    result.read("name") { task throws(StructureError) in
      task.fullName = try names?.fullName(of: task, image)
    }
    return result
  }

  private func schedule(
    _ task: inout GuestTask, _ image: StructureImage<TaskMember>
  ) throws(StructureError) {
    // Without SMP there is but one CPU, and neither member.
    task.cpu = Int(truncatingIfNeeded: try image.unsignedIfThere(.cpu) ?? 0)
    task.isOnCPU = try image.unsignedIfThere(.isOnCPU).map { $0 != 0 }
    task.policy = SchedulingPolicy(
      rawValue: UInt32(truncatingIfNeeded: try image.unsigned(.policy)))
    task.priority = Int(try image.signed(.priority))
    // NICE_TO_PRIO (include/linux/sched/prio.h): 100 real-time priorities come first.
    task.nice = Int(try image.signed(.staticPriority)) - 120
  }

  private func times(_ image: StructureImage<TaskMember>) throws(StructureError) -> CPUTimes {
    CPUTimes(
      user: try image.unsigned(.userTime), system: try image.unsigned(.systemTime),
      total: try image.unsigned(.runTime),
      shownUser: try image.unsignedIfThere(.previousUserTime) ?? 0,
      shownSystem: try image.unsignedIfThere(.previousSystemTime) ?? 0)
  }

  /// `MAX_PID_NS_LEVEL` (include/linux/pid_namespace.h)
  private static let levelLimit: UInt64 = 32

  private func namespacePIDs(
    _ image: StructureImage<TaskMember>
  ) throws(StructureError) -> [Int] {
    guard let address = try image.pointer(.pid) else { return [] }
    let pid = StructureImage(pid, at: address, in: kernel.memory)
    let level = try pid.unsigned(.level)
    guard level <= Self.levelLimit else {
      throw .wrongType(wanted: "PID of namespace level \(level)", address: address)
    }
    let first = try pid.address(of: .numbers)
    var numbers: [Int] = []
    for index in 0...level {
      let place = first &+ index &* number.byteCount
      numbers.append(
        Int(try StructureImage(number, at: place, in: kernel.memory).signed(.number)))
    }
    return numbers
  }

  /// What the whole process of `leader` has used: its threads `threads`, and those that ended.
  func processTimes(
    _ leader: GuestTask, threads: [GuestTask]
  ) throws(StructureError) -> CPUTimes? {
    guard let address = leader.signals else { return leader.times }
    let image = StructureImage(signals, at: address, in: kernel.memory)
    var sum = CPUTimes(
      user: try image.unsigned(.userTime), system: try image.unsigned(.systemTime),
      total: try image.unsigned(.runTime),
      shownUser: try image.unsignedIfThere(.previousUserTime) ?? 0,
      shownSystem: try image.unsignedIfThere(.previousSystemTime) ?? 0)
    for times in threads.compactMap(\.times) { sum = sum.adding(times) }
    return sum
  }
}

/// Why what should be a task isn't shown as one.
public enum TaskDamage: Error, Hashable, Sendable, CustomStringConvertible {
  case unreadable(StructureError)
  /// No task has such a number.
  case impossible(pid: Int)

  public var description: String {
    switch self {
    case .unreadable(let error): "\(error)"
    case .impossible(let pid): "no task has the number \(pid)"
    }
  }
}

extension GuestTask {
  /// Reads one part; if that fails, `what` it was goes into the diagnostics with the reason.
  fileprivate mutating func read(
    _ what: String, _ body: (inout GuestTask) throws(StructureError) -> Void
  ) {
    do throws(StructureError) {
      try body(&self)
    } catch {
      diagnostics.append("\(what): \(error)")
    }
  }
}
