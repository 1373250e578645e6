public import Targets
public import Unwinding

extension RegisterState {
  /// The registers of a virtual CPU, by DWARF number; those that its source doesn't tell are unknown.
  public init(_ cpu: X86CPUState) {
    self.init()
    for (register, number) in Self.numbers {
      self[RegisterNumber(number)] = cpu[register]
    }
    self[RegisterNumber(16)] = cpu.rip
  }

  /// psABI x86-64, table 3.36.
  private static let numbers: [(X86CPUState.General, UInt16)] = [
    (.rax, 0), (.rdx, 1), (.rcx, 2), (.rbx, 3), (.rsi, 4), (.rdi, 5), (.rbp, 6), (.rsp, 7),
    (.r8, 8), (.r9, 9), (.r10, 10), (.r11, 11), (.r12, 12), (.r13, 13), (.r14, 14), (.r15, 15),
  ]
}

extension X86CPUState {
  /// Whether the CPU executes a program rather than the kernel, by the privilege level in its CS; nil
  /// if that isn't known.
  public var isInUserMode: Bool? { segments[.cs].map { $0.selector & 3 == 3 } }
}
