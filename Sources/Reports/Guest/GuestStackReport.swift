/// What `varve bt --guest` prints: the kernel's stacks of a guest's tasks.
public struct GuestStackReport: Codable, Hashable, Sendable {
  public var schema = "varve.guest-stacks/1"
  public var file: String
  /// The kernel's release.
  public var release: String
  /// Empty if stacks were grouped.
  public var tasks: [GuestTaskStack]
  /// Equal stacks once, those of the most tasks first; nil unless that was asked for.
  public var groups: [GuestStackGroup]?
  /// What couldn't be read on the way.
  public var warnings: [String]

  public init(
    file: String, release: String, tasks: [GuestTaskStack] = [], groups: [GuestStackGroup]? = nil,
    warnings: [String] = []
  ) {
    self.file = file
    self.release = release
    self.tasks = tasks
    self.groups = groups
    self.warnings = warnings
  }
}

/// One task and its stack in the kernel.
public struct GuestTaskStack: Codable, Hashable, Sendable {
  /// Where a task's registers were found.
  public enum Origin: String, Codable, Hashable, Sendable {
    /// On its stack: it doesn't run.
    case switchedOut
    /// In its CPU: it runs in the kernel.
    case running
    /// In its CPU, but they are the program's: it runs in user mode, and has no stack in the kernel.
    case userMode
    /// Nowhere: it runs, and the input doesn't hold its CPU's registers.
    case runningUnseen
    /// There is no stack.
    case none
  }

  public var pid: Int
  public var tgid: Int
  public var comm: String
  /// One letter, as in ps.
  public var state: String
  /// Where it runs or ran last.
  public var cpu: Int?
  /// Of its `struct task_struct`, in hexadecimal.
  public var address: String
  public var origin: Origin
  /// Why there is no stack.
  public var reason: String?
  public var stack: StackReport?
  /// The program's registers, in user mode.
  public var registers: SavedRegistersReport?
  /// What is doubtful.
  public var notes: [String]

  public init(
    pid: Int, tgid: Int, comm: String, state: String, cpu: Int?, address: String, origin: Origin,
    reason: String? = nil, stack: StackReport? = nil, registers: SavedRegistersReport? = nil,
    notes: [String] = []
  ) {
    self.pid = pid
    self.tgid = tgid
    self.comm = comm
    self.state = state
    self.cpu = cpu
    self.address = address
    self.origin = origin
    self.reason = reason
    self.stack = stack
    self.registers = registers
    self.notes = notes
  }
}

/// Tasks whose stacks have the same program counters and end alike.
public struct GuestStackGroup: Codable, Hashable, Sendable {
  public struct Member: Codable, Hashable, Sendable {
    public var pid: Int
    public var comm: String
    public var state: String

    public init(pid: Int, comm: String, state: String) {
      self.pid = pid
      self.comm = comm
      self.state = state
    }
  }

  /// In ascending order of their numbers.
  public var tasks: [Member]
  public var origin: GuestTaskStack.Origin
  /// Why there is no stack.
  public var reason: String?
  /// Without arguments, which differ from task to task.
  public var stack: StackReport?

  public init(
    tasks: [Member], origin: GuestTaskStack.Origin, reason: String? = nil,
    stack: StackReport? = nil
  ) {
    self.tasks = tasks
    self.origin = origin
    self.reason = reason
    self.stack = stack
  }
}
