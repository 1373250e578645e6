public import Bytes

/// One frame of a stack.
public struct Frame: Hashable, Sendable {
  /// The instruction that runs next in this frame.
  public let pc: VirtualAddress
  /// The registers as this frame's code would see them; what its callees didn't keep is unknown.
  public let registers: RegisterState
  /// How this frame was found.
  public let evidence: FrameEvidence
  /// This frame, or one between it and the innermost, was found by a guess.
  public let restsOnGuess: Bool
  /// `pc` is a return address: the frame is at a call, whose instruction ends just before `pc`.
  /// False for the innermost frame, and for one that a signal interrupted.
  public let isAfterCall: Bool
  /// The canonical frame address: the stack pointer's value in the caller. Nil where it couldn't be
  /// computed, as in the last frame of a stack that ended early.
  public var cfa: VirtualAddress?
  /// The frame is a signal handler's return trampoline; its caller was interrupted by the signal.
  public var isSignalFrame: Bool

  public init(
    pc: VirtualAddress, registers: RegisterState, evidence: FrameEvidence = .initial,
    restsOnGuess: Bool = false, isAfterCall: Bool = false, cfa: VirtualAddress? = nil,
    isSignalFrame: Bool = false
  ) {
    self.pc = pc
    self.registers = registers
    self.evidence = evidence
    self.restsOnGuess = restsOnGuess
    self.isAfterCall = isAfterCall
    self.cfa = cfa
    self.isSignalFrame = isSignalFrame
  }

  /// The address by which to look up the frame's function and line: inside the call instruction if
  /// the frame is at a call, as the return address may already belong to another function or line.
  public var lookupAddress: VirtualAddress {
    isAfterCall && !isSignalFrame ? pc &- 1 : pc
  }
}

/// How a frame was found.
public enum FrameEvidence: Hashable, Sendable {
  /// Its registers were given.
  case initial
  /// From its callee, by a row of this kind.
  case unwound(UnwindEvidence)
  /// Nothing is left of it: its function jumped to its callee's. What calls and jumps the compiler
  /// recorded leaves no other way from the next frame to the one before.
  case tailCall
}

extension FrameEvidence: CustomStringConvertible {
  public var description: String {
    switch self {
    case .initial: "initial registers"
    case .unwound(let evidence): evidence.description
    case .tailCall: "tail call"
    }
  }
}

/// The frames of a stack, innermost first, and why there are no more.
public struct Backtrace: Sendable {
  public let frames: [Frame]
  public let stop: UnwindStop

  public init(frames: [Frame], stop: UnwindStop) {
    self.frames = frames
    self.stop = stop
  }
}
