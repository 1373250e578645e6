public import Bytes
import Unwinding

/// Finds out what a frame's parameters were worth when its function was entered, from what the
/// caller's debug information says about the call (DWARF 5, section 3.4).
///
/// The record only counts if the call was of this very function: after a tail call it describes
/// another one's arguments.
struct EntryValues {
  let frame: any FrameContext
  let callerDepth: Int

  init(_ frame: any FrameContext, callerDepth: Int = 0) {
    self.frame = frame
    self.callerDepth = callerDepth
  }

  /// The value on entry of what is at `location`; nil if it isn't known.
  ///
  /// `location` is a register, a register to be dereferenced, or an offset from the frame base.
  func value(at location: [DWARFOperation]) throws(ValueError) -> ExpressionValue? {
    guard let (parameter, caller) = try parameter(at: location) else { return nil }
    let isDereferenced = EntryPlace(location)?.isDereferenced ?? false
    guard let value = isDereferenced ? parameter.dataValue : parameter.value else { return nil }
    return try evaluate(value, in: caller)
  }

  /// The caller's record of the parameter at `location`, and the caller; nil if there is none.
  func parameter(
    at location: [DWARFOperation]
  ) throws(ValueError) -> (CallSite.Parameter, any FrameContext)? {
    guard callerDepth < FrameExpressions.callerLimit, let place = EntryPlace(location),
      let caller = frame.caller
    else { return nil }
    guard
      let parameter = caller.callSite.parameters.first(where: { parameter in
        EntryPlace(argument: parameter.location)?.slot == place.slot
      }), try isCallOfThisFunction(caller), !frame.mayTailCallItself
    else { return nil }
    return (parameter, caller.frame)
  }

  /// The number that `operations` give in the caller's frame; nil if it rests on something unknown.
  func evaluate(
    _ operations: [DWARFOperation], in caller: any FrameContext
  ) throws(ValueError) -> ExpressionValue? {
    let context = FrameExpressions(caller, callerDepth: callerDepth + 1)
    do throws(ExpressionError) {
      return try DWARFExpression.value(of: operations, in: context)
    } catch {
      if case .registerUnknown = error { return nil }
      return try VariableReader.absorb(error, or: nil)
    }
  }

  private func isCallOfThisFunction(_ caller: CallerContext) throws(ValueError) -> Bool {
    guard let function = frame.function else { return false }
    let entry = (function.entry ?? function.lowPC).map { VirtualAddress($0 &+ frame.bias) }
    let site = caller.callSite
    if let target = site.target {
      return try evaluate(target, in: caller.frame).map { VirtualAddress($0.word) } == entry
        && entry != nil
    }
    if let origin = site.origin, origin == function.id,
      ObjectIdentifier(caller.frame.graph) == ObjectIdentifier(frame.graph)
    {
      return true
    }
    if let name = site.originLinkageName {
      if name == function.linkageName { return true }
      if let address = caller.frame.functionAddress(linkageName: name) { return address == entry }
    }
    guard let name = site.originName else { return false }
    return name == function.name || name == function.linkageName
  }
}

extension CallerContext {
  /// The address that the call, an indirect one, led to, as far as what it was taken from is still
  /// there in the caller's frame; nil if the call was direct, or nothing of it is left.
  public func calledAddress() throws(ValueError) -> VirtualAddress? {
    guard let target = callSite.target else { return nil }
    return try EntryValues(frame).evaluate(target, in: frame).map { VirtualAddress($0.word) }
  }
}

/// A place that holds an argument when a function is entered.
private struct EntryPlace {
  enum Slot: Hashable {
    case register(UInt64)
    /// Bytes above the caller's stack pointer at the call, which is the function's CFA.
    case stack(Int64)
  }
  let slot: Slot
  /// It is what the register points to that counts.
  let isDereferenced: Bool

  /// From the called function's side: `DW_OP_reg5`, `DW_OP_fbreg 8`, or `DW_OP_breg5 0;
  /// DW_OP_deref`.
  init?(_ location: [DWARFOperation]) {
    guard let first = location.first else { return nil }
    if location.count == 1 {
      if let register = first.namedRegister {
        slot = .register(register)
      } else if first.opcode == .fbreg {
        slot = .stack(Int64(bitPattern: first.operand1))
      } else {
        return nil
      }
      isDereferenced = false
    } else if location.count == 2, let (register, offset) = first.baseRegister, offset == 0,
      [.deref, .derefSize].contains(location[1].opcode)
    {
      slot = .register(register)
      isDereferenced = true
    } else {
      return nil
    }
  }

  /// From the caller's side: `DW_OP_reg5` or, with the stack pointer, `DW_OP_breg7 8`.
  init?(argument location: [DWARFOperation]) {
    guard location.count == 1, let only = location.first else { return nil }
    if let register = only.namedRegister {
      slot = .register(register)
    } else if let (_, offset) = only.baseRegister {
      slot = .stack(offset)
    } else {
      return nil
    }
    isDereferenced = false
  }
}

extension DWARFOperation {
  /// The register that the operation names as a location (`DW_OP_reg0` to `DW_OP_regx`) or, within
  /// an entry value, with its type (`DW_OP_regval_type`).
  fileprivate var namedRegister: UInt64? {
    switch opcode.rawValue {
    case 0x50...0x6f: UInt64(opcode.rawValue - 0x50)
    case DWARFOpcode.regx.rawValue, DWARFOpcode.regvalType.rawValue,
      DWARFOpcode.gnuRegvalType.rawValue:
      operand1
    default: nil
    }
  }

  /// The register and the offset that the operation adds up (`DW_OP_breg0` to `DW_OP_bregx`).
  fileprivate var baseRegister: (register: UInt64, offset: Int64)? {
    switch opcode.rawValue {
    case 0x70...0x8f: (UInt64(opcode.rawValue - 0x70), Int64(bitPattern: operand1))
    case DWARFOpcode.bregx.rawValue: (operand1, Int64(bitPattern: operand2))
    default: nil
    }
  }
}
