public import Bytes
public import ObjectFiles
public import Unwinding

/// One thread of a process, as it was when the process was dumped; of a process that runs, as far
/// as it can be seen without stopping it.
public struct TargetThread: Sendable {
  /// gdb's number: from 1, in the order of the dump; in a process that runs, of the thread ids.
  public let number: Int
  /// The kernel's thread id.
  public let lwp: UInt32
  /// The registers by DWARF number, for unwinding.
  public let registers: RegisterState
  /// The thread control block's address: `fs_base` on x86-64, also the `pthread_t` of glibc and
  /// musl. Nil where the dump doesn't hold it.
  public let threadPointer: VirtualAddress?
  /// The thread's record in the core, with its vector registers and signal; nil if it comes from no
  /// core.
  public let record: CoreThread?

  public init(number: Int, record: CoreThread) {
    self.number = number
    self.record = record
    lwp = UInt32(bitPattern: record.status.threadID)
    registers = RegisterState(record.registers)
    threadPointer = record.registers[.fsBase].map { VirtualAddress($0) }
  }

  /// A thread that no core tells of.
  public init(
    number: Int, lwp: UInt32, registers: RegisterState, threadPointer: VirtualAddress? = nil
  ) {
    self.number = number
    self.lwp = lwp
    self.registers = registers
    self.threadPointer = threadPointer
    record = nil
  }

  /// The signal that stopped the thread; 0 for none.
  public var signal: Int32 { record.map { Int32($0.status.currentSignal) } ?? 0 }
}

extension RegisterState {
  /// The registers that `registers` hold, by DWARF number.
  public init(_ registers: CoreRegisters) {
    self.init()
    switch registers.machine {
    case .x86_64:
      for (number, register) in Self.x86Order.enumerated() {
        self[RegisterNumber(UInt16(number))] = registers[register]
      }
    case .aarch64:
      // x0–x30, sp, pc: the same order in both.
      for number in 0...32 {
        self[RegisterNumber(UInt16(number))] = registers.aarch64(number)
      }
    default: break
    }
  }

  /// The kernel's registers by DWARF number 0–16 (psABI x86-64, table 3.36).
  static let x86Order: [X86UserRegister] = [
    .rax, .rdx, .rcx, .rbx, .rsi, .rdi, .rbp, .rsp,
    .r8, .r9, .r10, .r11, .r12, .r13, .r14, .r15, .rip,
  ]
}

extension Architecture {
  /// The architecture that ELF calls `machine`; nil if Varve doesn't know it.
  public init?(_ machine: ELFMachine) {
    switch machine {
    case .x86_64: self = .x86_64
    case .aarch64: self = .aarch64
    default: return nil
    }
  }
}
