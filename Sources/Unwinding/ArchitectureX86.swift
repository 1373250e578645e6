extension Architecture {
  /// x86-64 with the System V ABI: numbers from psABI table 3.36, preserved registers from
  /// figure 3.4 (`rsp` is given by the CFA and so isn't among them).
  // swift-format-ignore: AlwaysUseLowerCamelCase
  // The CPU's own name.
  public static let x86_64 = Architecture(
    name: "x86-64",
    addressSize: 8,
    programCounter: RegisterNumber(16),
    stackPointer: RegisterNumber(7),
    framePointer: RegisterNumber(6),
    returnAddress: RegisterNumber(16),
    calleeSaved: registerMask(3, 6, 12, 13, 14, 15),
    signedReturnAddressMask: .max,
    callEncoding: .x86,
    registerNames: x86RegisterNames,
    framePointerRow: x86FramePointerRow,
    untouchedStackRow: UnwindRow(
      cfa: .registerOffset(RegisterNumber(7), 8),
      rules: [(RegisterNumber(16), .atCFAOffset(-8))],
      returnAddress: RegisterNumber(16), evidence: .untouchedStack),
    signalTrampoline: x86SignalTrampoline)

  private static let x86RegisterNames: [String] =
    // 0–16. The order of the first eight is the ABI's, not the instruction encoding's.
    ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"]
    + (8...15).map { "r\($0)" } + ["rip"]
    // 17–48
    + (0...15).map { "xmm\($0)" } + (0...7).map { "st\($0)" } + (0...7).map { "mm\($0)" }
    // 49–66
    + ["rflags", "es", "cs", "ss", "ds", "fs", "gs", "r56", "r57", "fs_base", "gs_base"]
    + ["r60", "r61", "tr", "ldtr", "mxcsr", "fcw", "fsw"]

  /// After `push %rbp; mov %rsp,%rbp`:
  ///
  ///     rbp+16 │ the caller's frame: the CFA
  ///     rbp+8  │ return address
  ///     rbp+0  │ the caller's rbp
  ///
  /// Where the function put the other registers that it must preserve is not known.
  private static let x86FramePointerRow = UnwindRow(
    cfa: .registerOffset(RegisterNumber(6), 16),
    rules: [
      (RegisterNumber(3), .undefined),
      (RegisterNumber(6), .atCFAOffset(-16)),
      (RegisterNumber(12), .undefined), (RegisterNumber(13), .undefined),
      (RegisterNumber(14), .undefined), (RegisterNumber(15), .undefined),
      (RegisterNumber(16), .atCFAOffset(-8)),
    ],
    returnAddress: RegisterNumber(16), evidence: .framePointer)

  /// `mov $15, %rax; syscall`: rt_sigreturn, the instructions by which gdb knows the C library's
  /// `__restore_rt` as well.
  ///
  /// Its stack (`struct rt_sigframe` in arch/x86/include/asm/sigframe.h, from `uc` on, as the
  /// handler's `ret` has taken the word below; `struct sigcontext_64` in
  /// arch/x86/include/uapi/asm/sigcontext.h):
  ///
  ///     rsp+0    uc_flags  uc_link  uc_stack { ss_sp, ss_flags, ss_size }
  ///     rsp+40   r8   r9   r10  r11  r12  r13  r14  r15
  ///     rsp+104  rdi  rsi  rbp  rbx  rdx  rax  rcx  rsp  rip  eflags
  private static let x86SignalTrampoline = SignalTrampoline(
    code: [0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05],
    instructionOffsets: [0, 7],
    row: signalRow(
      stackPointer: RegisterNumber(7), programCounter: RegisterNumber(16), savedStackPointer: 160,
      saved: [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16].enumerated().map {
        (RegisterNumber($1), Int64(40 + 8 * $0))
      }))

  /// The row of a signal frame whose words lie at fixed distances from the stack pointer.
  static func signalRow(
    stackPointer: RegisterNumber, programCounter: RegisterNumber, savedStackPointer: Int64,
    saved: [(register: RegisterNumber, offset: Int64)]
  ) -> UnwindRow {
    func slot(_ offset: Int64) -> DWARFOperation {
      DWARFOperation(.breg(stackPointer.rawValue), UInt64(bitPattern: offset))
    }
    return UnwindRow(
      cfa: .expression([slot(savedStackPointer), DWARFOperation(.deref, offset: 3)]),
      rules: saved.map { ($0.register, .atExpression([slot($0.offset)])) },
      returnAddress: programCounter, isSignalFrame: true, evidence: .signalTrampoline)
  }
}
