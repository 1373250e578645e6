public import Bytes
public import Unwinding

/// The kernel's stack of one task.
public struct KernelStack: Sendable {
  /// Where the innermost registers come from.
  public enum Origin: Hashable, Sendable {
    /// The task doesn't run: they are on its stack, where the kernel switched away from it.
    case switchedOut
    /// It runs in the kernel: they are those of this CPU.
    case running(cpu: Int)
    /// It runs in user mode: the CPU's registers are the program's, and its kernel stack is empty.
    case user(cpu: Int)
    /// It runs, but nothing tells the registers of its CPU.
    case runningUnseen(cpu: Int?)
    /// There is no stack, and why.
    case none(reason: String)
  }

  public let task: GuestTask
  public let origin: Origin
  /// The innermost registers; all unknown if there are none.
  public let registers: RegisterState
  /// Nil where there is nothing to unwind.
  public let backtrace: Backtrace?
  /// By the frames that were entered by an interrupt, an exception or a system call, in order.
  public let interruptions: [Interruption]
  /// What is doubtful about it, a line each.
  public let notes: [String]

  public init(
    task: GuestTask, origin: Origin, registers: RegisterState = RegisterState(),
    backtrace: Backtrace? = nil, interruptions: [Interruption] = [], notes: [String] = []
  ) {
    self.task = task
    self.origin = origin
    self.registers = registers
    self.backtrace = backtrace
    self.interruptions = interruptions
    self.notes = notes
  }
}

/// The registers of interrupted code, as the kernel's entry code or the CPU saved them.
public struct Interruption: Hashable, Sendable {
  /// The frame that was entered: its caller is what was interrupted.
  public let frameIndex: Int
  /// Where the `struct pt_regs` is; of a partial one, where it would begin.
  public let address: VirtualAddress
  /// By DWARF number.
  public let registers: RegisterState
  /// Nil where entry code hadn't saved it yet.
  public let originalRAX: UInt64?
  public let codeSegment: UInt64?
  public let flags: UInt64?
  public let stackSegment: UInt64?
  /// Only what the CPU pushes was saved.
  public let isPartial: Bool

  /// Whether a program was interrupted, and not the kernel itself.
  public var isFromUserMode: Bool { codeSegment.map { $0 & 3 == 3 } ?? false }
}
