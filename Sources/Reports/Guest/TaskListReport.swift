import Bytes
public import LinuxGuest
import Targets

/// What `varve ps` prints: the tasks of a guest's kernel.
public struct TaskListReport: Codable, Hashable, Sendable {
  public var schema = "varve.ps/1"
  public var file: String
  /// The kernel's release.
  public var release: String
  /// Processes, or with `threads` every thread, in the order that was asked for.
  public var tasks: [TaskReport]
  /// What a list or the table of numbers leads to, but can't be shown as a task.
  public var damaged: [DamagedTaskReport]
  /// How the tasks were found, a line each.
  public var evidence: [String]
  public var warnings: [String]

  public init(
    file: String, release: String, tasks: [TaskReport], damaged: [DamagedTask],
    evidence: [String], warnings: [String]
  ) {
    self.file = file
    self.release = release
    self.tasks = tasks
    self.damaged = damaged.map(DamagedTaskReport.init)
    self.evidence = evidence
    self.warnings = warnings
  }
}

/// One task. What couldn't be read isn't there; `diagnostics` tells why.
public struct TaskReport: Codable, Hashable, Sendable {
  public var pid: Int
  /// The number of its process.
  public var tgid: Int
  /// The number of its parent's process.
  public var ppid: Int?
  /// The CPU it runs on or ran on last.
  public var cpu: Int?
  /// Whether a CPU runs it right now.
  public var isOnCPU: Bool?
  /// The letter of ps and `/proc/PID/stat`.
  public var state: String
  /// `task->flags`, in hexadecimal.
  public var flags: String
  public var isKernelThread: Bool
  /// `TS`, `FF`, `RR`, `B`, `IDL`, `DLN`, `EXT`.
  public var policy: String?
  public var priority: Int?
  public var nice: Int?
  /// Nanoseconds from the guest's start to the task's.
  public var startTime: UInt64?
  /// Nanoseconds, as `/proc` would show them: the process's, or with `threads` the thread's own.
  public var userTime: UInt64?
  public var systemTime: UInt64?
  /// Nanoseconds, as the scheduler measured them.
  public var runTime: UInt64?
  /// In bytes.
  public var residentSize: UInt64?
  public var virtualSize: UInt64?
  public var swappedSize: UInt64?
  /// `comm`.
  public var name: String
  /// A kernel thread's name with what it works on, where the kernel tells it.
  public var fullName: String?
  /// The arguments, as far as they are in memory; nil for kernel threads.
  public var arguments: [String]?
  /// Why not all arguments are there.
  public var argumentsProblem: String?
  /// How many threads the process has; nil for threads that aren't their process's first.
  public var threads: Int?
  /// Its numbers by PID namespace, the first namespace's first, if it is in more than one.
  public var namespacePIDs: [Int]?
  /// Of its `struct task_struct`.
  public var address: String
  /// `list`, `pidTable`, `idle`, `running`: the ways that lead to it.
  public var sources: [String]
  public var diagnostics: [String]

  /// `processTimes` take the place of the task's own if it stands for its process.
  public init(_ task: GuestTask, processTimes: CPUTimes?, threads: Int?) {
    pid = task.pid
    tgid = task.tgid
    ppid = task.ppid
    cpu = task.cpu
    isOnCPU = task.isOnCPU
    state = String(task.state.rawValue)
    flags = hex(task.flags.rawValue)
    isKernelThread = task.isKernelThread
    policy = task.policy?.name
    priority = task.priority
    nice = task.nice
    startTime = task.startTime
    if let times = processTimes ?? task.times {
      (userTime, systemTime) = times.adjusted
      runTime = times.total
    }
    name = task.comm
    fullName = task.fullName
    namespacePIDs = task.namespacePIDs.count > 1 ? task.namespacePIDs : nil
    address = task.address.description
    sources = task.sources.names
    diagnostics = task.diagnostics
    self.threads = threads
  }
}

/// What a list or the table of numbers leads to, but can't be shown as a task.
public struct DamagedTaskReport: Codable, Hashable, Sendable {
  public var address: String
  public var sources: [String]
  public var reason: String

  init(_ task: DamagedTask) {
    address = task.address.description
    sources = task.source.names
    reason = "\(task.damage)"
  }
}
