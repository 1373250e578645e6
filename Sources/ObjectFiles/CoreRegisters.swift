/// The x86-64 registers in the order of `struct user_regs_struct` (sys/user.h), which is also that
/// of NT_PRSTATUS.
public enum X86UserRegister: Int, CaseIterable, Sendable {
  case r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
  /// The number of the system call that the thread is in; all ones if it isn't in one.
  case originalRAX
  case rip, cs, rflags, rsp, ss, fsBase, gsBase, ds, es, fs, gs

  /// As gdb calls it.
  public var name: String {
    switch self {
    case .originalRAX: "orig_rax"
    case .rflags: "eflags"
    case .fsBase: "fs_base"
    case .gsBase: "gs_base"
    default: "\(self)"
    }
  }
}

/// The integer registers of a thread in the kernel's own order.
public struct CoreRegisters: Hashable, Sendable {
  /// Whose order it is.
  public let machine: ELFMachine
  /// x86-64: 27, as `X86UserRegister` numbers them. AArch64: x0–x30, sp, pc, pstate.
  public var values: [UInt64]

  /// Nil unless `values` are as many as `machine` has.
  public init?(machine: ELFMachine, values: [UInt64]) {
    guard let layout = CoreThreadLayout(machine), values.count == layout.registerCount else {
      return nil
    }
    self.machine = machine
    self.values = values
  }

  /// The value of an x86-64 register; nil on other machines. Setting does nothing there.
  public subscript(register: X86UserRegister) -> UInt64? {
    get { machine == .x86_64 ? values[register.rawValue] : nil }
    set {
      if machine == .x86_64, let newValue { values[register.rawValue] = newValue }
    }
  }

  /// The value of AArch64's x0–x30 (0–30), sp (31), pc (32), pstate (33); nil on other machines.
  public func aarch64(_ index: Int) -> UInt64? {
    machine == .aarch64 && values.indices.contains(index) ? values[index] : nil
  }
}
