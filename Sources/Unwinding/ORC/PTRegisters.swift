/// `struct pt_regs` of x86-64 (arch/x86/include/asm/ptrace.h): the registers of interrupted code as
/// entry code leaves them on the stack. The same in all kernels with ORC.
///
///       0  r15  r14  r13  r12  rbp  rbx          saved by entry code
///      48  r11  r10  r9   r8   rax  rcx  rdx  rsi  rdi
///     120  orig_rax                              system call, error code or vector
///     128  rip  cs  rflags  rsp  ss              pushed by the CPU
///     168
public enum PTRegisters {
  /// In bytes.
  public static let size: Int64 = 168
  /// What the CPU itself pushes.
  public static let interruptFrameSize: Int64 = 40
  /// Where `orig_ax`, `cs`, `flags` and `ss` are: they have no DWARF number that is kept.
  public static let originalRAX: Int64 = 120
  public static let codeSegment: Int64 = 136
  public static let flags: Int64 = 144
  public static let stackSegment: Int64 = 160

  /// Where each register lies that unwinding knows of.
  public static let offsets: [(register: RegisterNumber, offset: Int64)] =
    [15, 14, 13, 12, 6, 3, 11, 10, 9, 8, 0, 2, 1, 4, 5].enumerated().map {
      (RegisterNumber($1), Int64(8 * $0))
    } + interruptFrameOffsets

  /// Those among them that the CPU pushes: rip and rsp.
  public static let interruptFrameOffsets: [(register: RegisterNumber, offset: Int64)] =
    [(RegisterNumber(16), 128), (RegisterNumber(7), 152)]
}
