public import Bytes

/// A frame's caller, as one `UnwindRow` gives it.
public struct UnwindStep: Sendable {
  /// The frame's CFA.
  public let cfa: VirtualAddress
  /// The caller's registers. The program counter is among them if `returnAddress` is known.
  public let registers: RegisterState
  public let returnAddress: ReturnAddress
  /// Registers that were saved where memory can't be read. They are unknown in `registers`.
  public let faults: [RegisterFault]

  public enum ReturnAddress: Hashable, Sendable {
    case known(VirtualAddress)
    /// The row says that there is none: the frame is the outermost.
    case undefined
    case unknown(UnknownReason)
  }

  public struct RegisterFault: Hashable, Sendable {
    public let register: RegisterNumber
    public let fault: MemoryFault

    @usableFromInline
    init(register: RegisterNumber, fault: MemoryFault) {
      self.register = register
      self.fault = fault
    }
  }

  @usableFromInline
  init(
    cfa: VirtualAddress, registers: RegisterState, returnAddress: ReturnAddress,
    faults: [RegisterFault]
  ) {
    self.cfa = cfa
    self.registers = registers
    self.returnAddress = returnAddress
    self.faults = faults
  }
}

extension UnwindRow {
  /// Applies the row to a frame's registers.
  ///
  /// A register without a rule keeps its value if the ABI makes callees preserve it, and is unknown
  /// after a call otherwise; in a signal frame, whose code was interrupted and called nothing, it
  /// keeps its value. The stack pointer is the CFA unless a rule says otherwise. `bias` is what the
  /// row's module was moved by, for expressions with addresses.
  ///
  /// Throws `.cfaRegisterUnknown` or `.expression` if the CFA can't be computed.
  @inlinable
  public func step<M: Memory>(
    from registers: RegisterState, memory: M, architecture: Architecture, bias: UInt64 = 0
  ) throws(UnwindError) -> UnwindStep {
    let cfa = try canonicalFrameAddress(
      registers, memory: memory, architecture: architecture, bias: bias)
    var caller = isSignalFrame ? registers : registers.keeping(only: architecture.calleeSaved)
    caller[architecture.programCounter] = nil
    caller[architecture.stackPointer] = cfa
    // A link register that has no rule was not overwritten: the function is a leaf.
    if returnAddress != architecture.programCounter {
      caller[returnAddress] = registers[returnAddress]
    }
    var faults: [UnwindStep.RegisterFault] = []
    for entry in entries where entry.rule != .unspecified {
      let value: UInt64?
      do throws(ExpressionError) {
        value = try self.value(
          of: entry.rule, for: entry.register, cfa: cfa, registers, memory: memory, bias: bias)
      } catch {
        value = nil
        switch error {
        case .memory(let fault):
          faults.append(UnwindStep.RegisterFault(register: entry.register, fault: fault))
        case .registerUnknown: break
        default:
          // A rule that can't be understood costs one register, unless it's the one that matters.
          if entry.register == returnAddress { throw .expression(error) }
        }
      }
      caller[entry.register] = value
    }
    let returnAddress = returnAddress(in: &caller, faults: faults, architecture: architecture)
    return UnwindStep(
      cfa: VirtualAddress(cfa), registers: caller, returnAddress: returnAddress, faults: faults)
  }

  @inlinable
  func canonicalFrameAddress<M: Memory>(
    _ registers: RegisterState, memory: M, architecture: Architecture, bias: UInt64
  ) throws(UnwindError) -> UInt64 {
    switch cfa {
    case .registerOffset(let register, let offset):
      guard let value = registers[register] else { throw .cfaRegisterUnknown(register) }
      return value &+ UInt64(bitPattern: offset)
    case .expression(let operations):
      let frame = FrameExpressionContext(registers: registers, memory: memory, bias: bias)
      do throws(ExpressionError) {
        return try DWARFExpression.value(of: operations, in: frame).word
      } catch {
        if case .registerUnknown(let register) = error { throw .cfaRegisterUnknown(register) }
        throw .expression(error)
      }
    }
  }

  /// The caller's value of `register`; nil if it is lost.
  @inlinable
  func value<M: Memory>(
    of rule: RegisterRule, for register: RegisterNumber, cfa: UInt64, _ registers: RegisterState,
    memory: M, bias: UInt64
  ) throws(ExpressionError) -> UInt64? {
    let slot: UInt64
    switch rule {
    case .undefined: return nil
    case .unspecified, .sameValue: return registers[register]
    case .register(let other): return registers[other]
    case .valueCFAOffset(let offset): return cfa &+ UInt64(bitPattern: offset)
    case .atCFAOffset(let offset): slot = cfa &+ UInt64(bitPattern: offset)
    case .atExpression(let operations), .valueExpression(let operations):
      let frame = FrameExpressionContext(registers: registers, memory: memory, bias: bias)
      let value = try DWARFExpression.value(of: operations, in: frame, initial: [cfa]).word
      if case .valueExpression = rule { return value }
      slot = value
    }
    // Rules for registers that aren't kept, such as vector registers, needn't be read.
    guard Int(register.rawValue) < RegisterState.capacity else { return nil }
    do throws(MemoryFault) {
      return try memory.word(at: VirtualAddress(slot))
    } catch {
      throw .memory(error)
    }
  }

  /// Puts the return address, which its own rule has put in its own register, in the program
  /// counter.
  @inlinable
  func returnAddress(
    in caller: inout RegisterState, faults: [UnwindStep.RegisterFault], architecture: Architecture
  ) -> UnwindStep.ReturnAddress {
    guard let stored = caller[returnAddress] else {
      if self[returnAddress] == .undefined { return .undefined }
      if let fault = faults.first(where: { $0.register == returnAddress }) {
        return .unknown(.unreadable(fault.fault))
      }
      return .unknown(.notSaved)
    }
    let address = isReturnAddressSigned ? stored & architecture.signedReturnAddressMask : stored
    caller[architecture.programCounter] = address
    return .known(VirtualAddress(address))
  }
}

/// What the expressions of a row can ask: the registers of the frame that is left, and memory.
@usableFromInline
struct FrameExpressionContext<M: Memory>: ExpressionContext {
  let registers: RegisterState
  let memory: M
  let bias: UInt64

  @usableFromInline
  init(registers: RegisterState, memory: M, bias: UInt64) {
    self.registers = registers
    self.memory = memory
    self.bias = bias
  }

  @usableFromInline
  func register(_ register: RegisterNumber) -> UInt64? { registers[register] }

  @usableFromInline
  func memory(at address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    try memory.read(address, count: count)
  }

  @usableFromInline
  func relocated(_ address: UInt64) -> UInt64 { address &+ bias }
}
