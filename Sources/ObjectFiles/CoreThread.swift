public import Bytes

/// A thread of a core: an NT_PRSTATUS note and those of the notes after it that are about the same
/// thread. In a dump of a machine, a CPU.
public struct CoreThread: Sendable {
  public let status: CoreThreadStatus
  public let registers: CoreRegisters
  /// NT_SIGINFO: why the thread stopped. Kernels write it for the thread that caused the dump,
  /// gdb for every thread.
  public internal(set) var signalInfo: CoreSignalInfo?
  /// NT_PRFPREG as stored; on x86-64 the 512 bytes of FXSAVE.
  public internal(set) var floatingPoint: ByteView?
  /// NT_X86_XSTATE as stored: an XSAVE area in standard format.
  public internal(set) var extendedState: ByteView?
  /// The notes after this thread's NT_PRSTATUS and before the next one's, without those of the
  /// whole process, decoded or not.
  public internal(set) var notes: [ELFNote]
  /// The NT_PRSTATUS note itself.
  public let statusNote: ELFNote
}

/// A time as `struct timeval` holds it.
public struct CoreTime: Hashable, Sendable {
  public let seconds: Int64
  public let microseconds: Int64

  public init(seconds: Int64, microseconds: Int64) {
    self.seconds = seconds
    self.microseconds = microseconds
  }
}

/// What NT_PRSTATUS says of a thread besides its registers (linux/elfcore.h).
public struct CoreThreadStatus: Hashable, Sendable {
  /// `pr_info.si_signo`: the signal that killed the process, repeated for each thread.
  public var signal: Int32 = 0
  /// `pr_info.si_code`, which Linux leaves 0.
  public var signalCode: Int32 = 0
  /// `pr_info.si_errno`, which Linux leaves 0.
  public var signalErrno: Int32 = 0
  /// `pr_cursig`: the same as `signal`; gdb sets only this one.
  public var currentSignal: Int16 = 0
  /// Bit n-1 stands for signal n.
  public var pendingSignals: UInt64 = 0
  public var heldSignals: UInt64 = 0
  /// The thread's own id (LWP); in a machine's dump, the CPU's number or its task's id.
  public var threadID: Int32 = 0
  public var parentID: Int32 = 0
  public var processGroup: Int32 = 0
  public var session: Int32 = 0
  public var userTime = CoreTime(seconds: 0, microseconds: 0)
  public var systemTime = CoreTime(seconds: 0, microseconds: 0)
  public var childrenUserTime = CoreTime(seconds: 0, microseconds: 0)
  public var childrenSystemTime = CoreTime(seconds: 0, microseconds: 0)
  /// `pr_fpvalid`: whether floating-point registers were dumped too.
  public var hasFloatingPoint = false

  public init(threadID: Int32) { self.threadID = threadID }
}

extension CoreThreadStatus {
  /// The descriptor of NT_PRSTATUS.
  public func encode(with registers: CoreRegisters) -> [UInt8] {
    // `CoreRegisters` only exist for machines that have a layout.
    CoreThreadLayout(registers.machine)?.encode(self, registers) ?? []
  }
}
