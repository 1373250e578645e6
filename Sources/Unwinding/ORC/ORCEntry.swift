/// One entry of `.orc_unwind` (`struct orc_entry` in arch/x86/include/asm/orc_types.h), the same
/// whichever kernel wrote it.
///
///     0  2  sp_offset   signed
///     2  2  bp_offset   signed
///     4  2  sp_reg 4 bits, bp_reg 4 bits, then as `ORCLayout` says
public struct ORCEntry: Hashable, Sendable {
  /// How many bytes an entry takes.
  public static let size: UInt64 = 6

  /// What the caller's stack pointer, or its rbp, is counted from (`ORC_REG_*`).
  public enum Base: Hashable, Sendable {
    case undefined
    case previousStackPointer
    case rax
    case rdx
    case rdi
    case rbp
    case rsp
    case r10
    case r13
    case rbpIndirect
    case rspIndirect
  }

  /// What lies at the address that the stack pointer's rule gives (`ORC_TYPE_*`).
  public enum Kind: Hashable, Sendable {
    /// The kernel's own unwinder knows nothing about this code.
    case undefined
    /// There is no caller.
    case endOfStack
    /// The caller's stack, below which its return address is.
    case call
    /// A whole `struct pt_regs`.
    case registers
    /// The five words that the CPU pushes at an interrupt: the end of a `struct pt_regs`.
    case partialRegisters
  }

  public var stackOffset: Int16
  public var frameOffset: Int16
  public var stackBase: Base
  public var frameBase: Base
  public var kind: Kind
  /// The caller was interrupted, and is at no call.
  public var isSignal: Bool

  public init(
    stackBase: Base, stackOffset: Int16, frameBase: Base = .undefined, frameOffset: Int16 = 0,
    kind: Kind = .call, isSignal: Bool = false
  ) {
    self.stackOffset = stackOffset
    self.frameOffset = frameOffset
    self.stackBase = stackBase
    self.frameBase = frameBase
    self.kind = kind
    self.isSignal = isSignal
  }
}
