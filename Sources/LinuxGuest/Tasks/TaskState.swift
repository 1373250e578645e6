/// What a task is doing, as `/proc/PID/stat` and ps tell it.
public enum TaskState: Character, Hashable, Sendable, CaseIterable {
  case running = "R"
  case sleeping = "S"
  /// Waits and can't be woken by a signal.
  case uninterruptible = "D"
  case stopped = "T"
  /// A debugger stopped it.
  case traced = "t"
  /// It ended, and nothing is left but its number.
  case dead = "X"
  /// It ended, and its parent wasn't told yet.
  case zombie = "Z"
  case parked = "P"
  /// Waits without being counted in the load.
  case idle = "I"

  /// The state that the members `__state` (or `state`) and `exit_state` of a task give, as
  /// `__task_state_index` of include/linux/sched.h has it: the highest bit that is reported counts.
  /// The bits are the same from 5.4 on; those of newer kernels are set by no older one.
  public init(state: UInt64, exitState: UInt64) {
    if state & (Self.lockWait | Self.frozen) != 0 {
      self = .uninterruptible
    } else if state & Self.idleBits == Self.idleBits {
      self = .idle
    } else {
      let bits = state | exitState
      self = Self.reported.last { bits & $0.bit != 0 }?.state ?? .running
    }
  }

  /// `TASK_REPORT`, in ascending order.
  private static let reported: [(bit: UInt64, state: TaskState)] = [
    (0x01, .sleeping),  // TASK_INTERRUPTIBLE
    (0x02, .uninterruptible),  // TASK_UNINTERRUPTIBLE
    (0x04, .stopped),  // __TASK_STOPPED
    (0x08, .traced),  // __TASK_TRACED
    (0x10, .dead),  // EXIT_DEAD
    (0x20, .zombie),  // EXIT_ZOMBIE
    (0x40, .parked),  // TASK_PARKED
  ]
  /// `TASK_IDLE`: `TASK_UNINTERRUPTIBLE | TASK_NOLOAD`.
  private static let idleBits: UInt64 = 0x402
  /// `TASK_RTLOCK_WAIT` since 5.15; what sleeps on a lock of PREEMPT_RT.
  private static let lockWait: UInt64 = 0x1000
  /// `TASK_FROZEN` since 6.1.
  private static let frozen: UInt64 = 0x8000
}

/// Bits of a task's `flags` that tell what it is (include/linux/sched.h).
public struct TaskFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `PF_EXITING`
  public static let exiting = TaskFlags(rawValue: 0x4)
  /// `PF_WQ_WORKER`
  public static let worker = TaskFlags(rawValue: 0x20)
  /// `PF_KTHREAD`
  public static let kernelThread = TaskFlags(rawValue: 0x20_0000)
}

/// How a task is scheduled (include/uapi/linux/sched.h).
public enum SchedulingPolicy: UInt32, Hashable, Sendable {
  case normal = 0
  case fifo = 1
  case roundRobin = 2
  case batch = 3
  case idle = 5
  case deadline = 6
  case ext = 7

  /// As `ps -o cls` names it.
  public var name: String {
    switch self {
    case .normal: "TS"
    case .fifo: "FF"
    case .roundRobin: "RR"
    case .batch: "B"
    case .idle: "IDL"
    case .deadline: "DLN"
    case .ext: "EXT"
    }
  }
}
