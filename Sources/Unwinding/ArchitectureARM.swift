extension Architecture {
  /// AArch64 with the AAPCS64: numbers from AADWARF64 section 4.1, preserved registers from
  /// AAPCS64 section 6.1.1 (x19–x28, x29; `sp` is given by the CFA).
  ///
  /// AADWARF64 reserves 32 for ELR_mode, which user code has no use for; the program counter of a
  /// frame is kept there.
  public static let aarch64 = Architecture(
    name: "aarch64",
    addressSize: 8,
    programCounter: RegisterNumber(32),
    stackPointer: RegisterNumber(31),
    framePointer: RegisterNumber(29),
    returnAddress: RegisterNumber(30),
    calleeSaved: registerMask(19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29),
    // With 48-bit addresses, bits 48–54 and 56–63 hold the signature.
    signedReturnAddressMask: 0x0080_ffff_ffff_ffff,
    callEncoding: .arm,
    registerNames: (0...30).map { "x\($0)" } + ["sp", "pc"],
    framePointerRow: aarch64FramePointerRow,
    untouchedStackRow: UnwindRow(
      cfa: .registerOffset(RegisterNumber(31), 0),
      rules: [(RegisterNumber(30), .sameValue)],
      returnAddress: RegisterNumber(30), evidence: .untouchedStack),
    signalTrampoline: aarch64SignalTrampoline)

  /// The frame record (AAPCS64 section 6.4.6). The record may lie anywhere in the frame, so the
  /// CFA that follows from it is a lower bound of the caller's stack pointer.
  ///
  ///     x29+8  │ the return address
  ///     x29+0  │ the caller's x29
  private static let aarch64FramePointerRow = UnwindRow(
    cfa: .registerOffset(RegisterNumber(29), 16),
    rules: (19...28).map { (RegisterNumber($0), RegisterRule.undefined) } + [
      (RegisterNumber(29), .atCFAOffset(-16)), (RegisterNumber(30), .atCFAOffset(-8)),
    ],
    returnAddress: RegisterNumber(30), evidence: .framePointer)

  /// `mov x8, #139; svc #0`: rt_sigreturn, as in the vDSO.
  ///
  /// Its stack (`struct rt_sigframe` in arch/arm64/kernel/signal.c; `struct sigcontext` in
  /// arch/arm64/include/uapi/asm/sigcontext.h):
  ///
  ///     sp+0    siginfo (128 bytes)
  ///     sp+128  uc_flags  uc_link  uc_stack  uc_sigmask and padding (128 bytes), to 16 bytes
  ///     sp+304  fault_address
  ///     sp+312  x0 … x30
  ///     sp+560  sp  pc  pstate
  private static let aarch64SignalTrampoline = SignalTrampoline(
    code: [0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
    instructionOffsets: [0, 4],
    row: signalRow(
      stackPointer: RegisterNumber(31), programCounter: RegisterNumber(32), savedStackPointer: 560,
      saved: (0...32).map { (RegisterNumber($0), 312 + 8 * Int64($0)) }))
}
