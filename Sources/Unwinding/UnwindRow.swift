/// How to get from one frame to its caller, at one program counter: the line that every source of
/// unwind information (CFI, ORC, a frame pointer) is lowered to.
///
/// Which row applies is decided elsewhere; `step(from:memory:…)` applies it.
public struct UnwindRow: Hashable, Sendable {
  /// Where the frame ends: the stack pointer's value in the caller.
  public var cfa: CFARule
  /// The registers that have a rule of their own, by number. Most functions have seven at most, so
  /// this stays far smaller than a slot for each register would be.
  public private(set) var entries: ContiguousArray<Entry>
  /// The register whose rule gives the return address.
  public var returnAddress: RegisterNumber
  /// The frame was made by the kernel for a signal handler, or by an interrupt: its caller was
  /// stopped between two instructions and not at a call.
  public var isSignalFrame: Bool
  /// The return address carries a signature (AArch64 pointer authentication).
  public var isReturnAddressSigned: Bool
  /// The frame begins where the CPU interrupted other code: the bytes from the CFA to where it saved
  /// that code's CS. If its two lowest bits say that it was a program's, the kernel's stack ends
  /// here. Nil for all other frames.
  public var interruptedCodeSegment: Int64?
  /// What this row rests on.
  public var evidence: UnwindEvidence

  public struct Entry: Hashable, Sendable {
    public let register: RegisterNumber
    public var rule: RegisterRule
  }

  public init(
    cfa: CFARule, rules: [(RegisterNumber, RegisterRule)], returnAddress: RegisterNumber,
    isSignalFrame: Bool = false, isReturnAddressSigned: Bool = false, evidence: UnwindEvidence
  ) {
    self.cfa = cfa
    self.entries = []
    self.returnAddress = returnAddress
    self.isSignalFrame = isSignalFrame
    self.isReturnAddressSigned = isReturnAddressSigned
    self.interruptedCodeSegment = nil
    self.evidence = evidence
    for (register, rule) in rules { self[register] = rule }
  }

  init(
    cfa: CFARule, rules: RegisterRules, returnAddress: RegisterNumber, isSignalFrame: Bool,
    isReturnAddressSigned: Bool, evidence: UnwindEvidence
  ) {
    self.cfa = cfa
    self.entries = rules.entries
    self.returnAddress = returnAddress
    self.isSignalFrame = isSignalFrame
    self.isReturnAddressSigned = isReturnAddressSigned
    self.interruptedCodeSegment = nil
    self.evidence = evidence
  }

  /// The register's rule; `.unspecified` if it has none.
  public subscript(register: RegisterNumber) -> RegisterRule {
    get { entries.first { $0.register == register }?.rule ?? .unspecified }
    set {
      var rules = RegisterRules(entries: entries)
      rules[register] = newValue
      entries = rules.entries
    }
  }
}

/// Register rules, sorted by register.
struct RegisterRules: Hashable, Sendable {
  var entries: ContiguousArray<UnwindRow.Entry> = []

  subscript(register: RegisterNumber) -> RegisterRule {
    get { entries.first { $0.register == register }?.rule ?? .unspecified }
    set {
      let index = entries.firstIndex { $0.register >= register } ?? entries.endIndex
      let isThere = index < entries.endIndex && entries[index].register == register
      if newValue == .unspecified {
        if isThere { entries.remove(at: index) }
      } else if isThere {
        entries[index].rule = newValue
      } else {
        entries.insert(UnwindRow.Entry(register: register, rule: newValue), at: index)
      }
    }
  }
}

/// How the canonical frame address is computed (DWARF 5, section 6.4.1).
public enum CFARule: Hashable, Sendable {
  /// The register's value plus a number of bytes.
  case registerOffset(RegisterNumber, Int64)
  /// The expression's value.
  case expression([DWARFOperation])
}

/// Where the caller's value of a register is (DWARF 5, section 6.4.1).
public enum RegisterRule: Hashable, Sendable {
  /// Nothing was said. After a call the ABI decides: registers that a callee must preserve have
  /// the same value, the others are unknown.
  case unspecified
  /// The value is lost.
  case undefined
  /// The callee didn't change it.
  case sameValue
  /// Stored that many bytes from the CFA.
  case atCFAOffset(Int64)
  /// The CFA plus that many bytes.
  case valueCFAOffset(Int64)
  /// In another register.
  case register(RegisterNumber)
  /// Stored where the expression, which starts with the CFA on its stack, says.
  case atExpression([DWARFOperation])
  /// The value of the expression, which starts with the CFA on its stack.
  case valueExpression([DWARFOperation])
}

/// What an unwind row rests on. More may come.
public enum UnwindEvidence: Hashable, Sendable {
  /// Call frame information in `.eh_frame`.
  case ehFrame
  /// Call frame information in `.debug_frame`.
  case debugFrame
  /// Call frame information of an image that a running program registered for code it made itself
  /// (gdb's JIT interface).
  case registeredImage
  /// Call frame information of such an image that is in memory, though no list of them was found.
  case foundImage
  /// The Linux kernel's ORC tables.
  case orc
  /// The instructions and stack layout by which the kernel returns from a signal.
  case signalTrampoline
  /// A frame pointer; nothing vouched for it.
  case framePointer
  /// The word on top of the stack looked like a return address (or the link register did), in code
  /// that no table describes.
  case untouchedStack
  /// The program counter is at no code: it was called or jumped to, and the top of the stack is
  /// where that happened.
  case wildJump

  /// No table and no kernel layout says so: it was inferred from what the stack looks like.
  public var isGuess: Bool {
    switch self {
    case .ehFrame, .debugFrame, .registeredImage, .foundImage, .orc, .signalTrampoline: false
    case .framePointer, .untouchedStack, .wildJump: true
    }
  }
}

extension UnwindEvidence: CustomStringConvertible {
  public var description: String {
    switch self {
    case .ehFrame: ".eh_frame"
    case .debugFrame: ".debug_frame"
    case .registeredImage: "registered JIT image"
    case .foundImage: "JIT image found in memory"
    case .orc: "ORC"
    case .signalTrampoline: "signal trampoline"
    case .framePointer: "frame pointer"
    case .untouchedStack: "return address on top of the stack"
    case .wildJump: "return address of a jump to no code"
    }
  }
}
