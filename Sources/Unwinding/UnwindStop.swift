public import Bytes

/// Why a backtrace ends.
public enum UnwindStop: Error, Hashable, Sendable {
  /// The outermost frame was reached.
  case endOfStack(EndOfStack)
  /// The initial registers have no program counter.
  case programCounterUnknown
  /// The caller's CFA depends on a register that isn't known.
  case cfaUnknown(RegisterNumber, name: String, UnknownReason)
  /// The return address isn't known.
  case returnAddressUnknown(UnknownReason)
  /// The stack can't be read where the next frame's CFA or return address is.
  case memory(MemoryFault)
  /// No table describes `pc`, and what the stack looks like there gives no plausible caller.
  case noUnwindInformation(pc: VirtualAddress)
  /// The frame's CFA lies below its callee's or didn't move: the stack is damaged.
  case cfaDidNotAdvance(from: VirtualAddress, to: VirtualAddress)
  /// The same frame came up before.
  case cycle(pc: VirtualAddress, cfa: VirtualAddress)
  /// As many frames as were asked for.
  case frameLimit(Int)
  /// The unwind information for `pc` is damaged.
  case damaged(pc: VirtualAddress, UnwindError)
}

/// What marks the outermost frame.
public enum EndOfStack: Hashable, Sendable {
  /// The unwind information says that there is no return address.
  case returnAddressUndefined
  /// The return address is 0.
  case zeroReturnAddress
  /// The frame pointer is 0.
  case zeroFramePointer
  /// The return address is a function's first instruction that no call stands before: whoever made
  /// the stack put it there, as `makecontext` does.
  case placedReturnAddress
  /// The frame was entered from a program: a system call, or an interrupt or exception in user mode.
  case enteredFromUserMode
}

/// Why a register's value isn't known.
public enum UnknownReason: Hashable, Sendable {
  /// No frame further in kept it, or the initial registers lacked it.
  case notSaved
  /// It was kept, but where can't be read.
  case unreadable(MemoryFault)
}

extension UnwindStop: CustomStringConvertible {
  public var description: String {
    switch self {
    case .endOfStack(let end): "end of stack (\(end))"
    case .programCounterUnknown: "program counter unknown"
    case .cfaUnknown(_, let name, let reason):
      "caller's CFA unknown: \(name) \(reason)"
    case .returnAddressUnknown(let reason): "return address unknown: it \(reason)"
    case .memory(let fault): "\(fault)"
    case .noUnwindInformation(let pc):
      "no unwind information for \(pc), and no plausible return address"
    case .cfaDidNotAdvance(let from, let to):
      "damaged stack: the caller's CFA \(to) isn't beyond \(from)"
    case .cycle(let pc, let cfa): "damaged stack: the frame at \(pc), CFA \(cfa), repeats"
    case .frameLimit(let limit): "limit of \(limit) frames reached"
    case .damaged(let pc, let error): "unwind information for \(pc): \(error)"
    }
  }
}

extension EndOfStack: CustomStringConvertible {
  public var description: String {
    switch self {
    case .returnAddressUndefined: "return address undefined"
    case .zeroReturnAddress: "return address 0"
    case .zeroFramePointer: "frame pointer 0"
    case .placedReturnAddress: "return address placed by whoever made the stack"
    case .enteredFromUserMode: "entered from user mode"
    }
  }
}

extension UnknownReason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notSaved: "was not saved"
    case .unreadable(let fault): "was saved, but \(fault)"
    }
  }
}
