public import Bytes

/// Walks a stack from its innermost frame outwards.
public struct Unwinder: Sendable {
  public let architecture: Architecture

  public init(architecture: Architecture = .x86_64) {
    self.architecture = architecture
  }

  /// The frames from `registers` on, at most `limit`, innermost first.
  ///
  /// `isAfterCall` says that the initial program counter is a return address rather than an
  /// instruction that was about to run: so it is for registers that `setjmp` saved.
  public func unwind<M: Memory, Tables: UnwindTableProvider>(
    from registers: RegisterState, memory: M, tables: Tables, limit: Int = 1024,
    isAfterCall: Bool = false
  ) -> Backtrace {
    Backtrace(frames: [], stop: .programCounterUnknown)
  }
}
