public import Bytes
public import Targets

/// One task of a guest's kernel: a thread of a process, a thread of the kernel's own, or what a CPU
/// runs when there is nothing to run.
public struct GuestTask: Sendable {
  /// Of its `struct task_struct`.
  public let address: VirtualAddress
  /// The same with its type.
  public let object: TypedAddress
  /// The thread's number in the first PID namespace; 0 for the idle tasks.
  public let pid: Int
  /// The number of its process.
  public let tgid: Int
  /// `comm`, at most 15 bytes.
  public let comm: String
  public let state: TaskState
  public let flags: TaskFlags
  /// How it was reached.
  public internal(set) var sources: TaskSources

  /// The number of the parent's process; nil if that can't be read.
  public internal(set) var ppid: Int?
  /// The CPU it runs on or ran on last; nil if that can't be read.
  public internal(set) var cpu: Int?
  /// Whether a CPU runs it right now; nil where the kernel doesn't note that.
  public internal(set) var isOnCPU: Bool?
  /// Nil for numbers that no known kernel uses.
  public internal(set) var policy: SchedulingPolicy?
  /// `prio` as the kernel counts: 0–99 are real-time priorities, 100–139 others', −1 deadlines'.
  public internal(set) var priority: Int?
  /// From −20 to 19.
  public internal(set) var nice: Int?
  /// When it began, in nanoseconds since the guest's start (without sleeps).
  public internal(set) var startTime: UInt64?
  public internal(set) var times: CPUTimes?
  /// Of its `struct mm_struct`; nil for a kernel thread, and for a task that gave it back when it
  /// ended.
  public internal(set) var mm: VirtualAddress?
  /// The lowest address of its kernel stack; nil once that was given back.
  public internal(set) var stack: VirtualAddress?
  /// Of its `struct signal_struct`, which all threads of a process share.
  public internal(set) var signals: VirtualAddress?
  /// Its numbers by PID namespace, the first namespace's first; one for most tasks.
  public internal(set) var namespacePIDs: [Int] = []
  /// `/proc/PID/comm` of a kernel thread, where it tells more than `comm`: `kworker/0:1-events`.
  public internal(set) var fullName: String?
  /// What couldn't be read of it or contradicts itself, a line each.
  public var diagnostics: [String] = []

  /// A thread of the kernel's own: it has no memory of a process.
  public var isKernelThread: Bool { flags.contains(.kernelThread) || pid == 0 }
  /// Whether it is its process's first thread.
  public var isLeader: Bool { pid == tgid }
  /// What ps shows: `comm`, or more where the kernel knows more.
  public var name: String { fullName ?? comm }
}

/// The ways by which a task can be reached.
public struct TaskSources: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The list of processes and their lists of threads.
  public static let list = TaskSources(rawValue: 1)
  /// The table of process numbers.
  public static let pidTable = TaskSources(rawValue: 2)
  /// A CPU's run queue names it as its idle task.
  public static let idle = TaskSources(rawValue: 4)
  /// A CPU's run queue names it as what the CPU runs.
  public static let running = TaskSources(rawValue: 8)

  /// One word for each.
  public var names: [String] {
    [(Self.list, "list"), (.pidTable, "pidTable"), (.idle, "idle"), (.running, "running")]
      .filter { contains($0.0) }.map(\.1)
  }
}

/// What a task has used of the CPUs, in nanoseconds.
public struct CPUTimes: Hashable, Sendable {
  /// As counted by ticks.
  public var user: UInt64
  public var system: UInt64
  /// As measured by the scheduler: exact, but not told apart.
  public var total: UInt64
  /// The least that was ever shown to a reader of `/proc`.
  var shownUser: UInt64
  var shownSystem: UInt64

  /// User and system time as `/proc` shows them: the measured time, split as the ticks are, and never
  /// less than what was shown before (`cputime_adjust`, kernel/sched/cputime.c).
  public var adjusted: (user: UInt64, system: UInt64) {
    let (shown, overflow) = shownUser.addingReportingOverflow(shownSystem)
    guard !overflow, total > shown else { return (shownUser, shownSystem) }
    let ticks = user.addingReportingOverflow(system)
    var split: UInt64
    if system == 0 {
      split = 0
    } else if user == 0 || ticks.overflow {
      split = total
    } else {
      let product = system.multipliedFullWidth(by: total)
      // `system` is less than the divisor, so the quotient is less than `total`.
      split = ticks.partialValue.dividingFullWidth(product).quotient
    }
    split = max(split, shownSystem)
    if total < split || total - split < shownUser { split = total - shownUser }
    return (total - split, split)
  }

  /// The sum for several threads; modulo 2⁶⁴, as the kernel's.
  func adding(_ other: CPUTimes) -> CPUTimes {
    CPUTimes(
      user: user &+ other.user, system: system &+ other.system, total: total &+ other.total,
      shownUser: shownUser, shownSystem: shownSystem)
  }
}
