public import Bytes
public import Symbols
public import Unwinding

/// One frame of a process's stack as the values of its variables depend on it.
public struct StackFrameContext: FrameContext {
  private let stack: SymbolicStack
  private let index: Int
  private let information: DebugInformation
  private let module: Module
  /// The frame's function, inlined ones apart.
  public let function: FunctionScope?
  public let frameBase: [DWARFOperation]?

  /// Nil for a frame without debug information.
  init?(_ stack: SymbolicStack, frame index: Int) {
    guard stack.backtrace.frames.indices.contains(index),
      let module = stack.process.module(
        containing: stack.backtrace.frames[index].lookupAddress),
      let information = module.contents.debugInformation
    else { return nil }
    let frame = stack.backtrace.frames[index]
    let address = module.linkAddress(of: frame.lookupAddress).rawValue
    let function = stack.function(ofFrame: index)
    self.stack = stack
    self.index = index
    self.module = module
    self.information = information
    self.function = function
    frameBase = function.flatMap { function in
      stack.problems.attempt(module.path) { () throws(SymbolError) in
        try information.frameBase(of: function, at: address)
      }
    }
  }

  private var frame: Frame { stack.backtrace.frames[index] }
  /// Within the call that the frame is at, as the module's file has it.
  private var lookupAddress: UInt64 { module.linkAddress(of: frame.lookupAddress).rawValue }

  public var graph: any TypeGraph { information }
  public var registers: RegisterState { frame.registers }
  public var memory: any Memory { stack.process.memory }
  public var canonicalFrameAddress: VirtualAddress? { frame.cfa }
  public var bias: UInt64 { module.bias }

  public var caller: CallerContext? {
    guard let caller = StackFrameContext(stack, frame: index + 1) else { return nil }
    return caller.callSite.map { CallerContext(frame: caller, callSite: $0) }
  }

  /// The call that this frame is at; nil if it's at none, or the compiler recorded none.
  var callSite: CallSite? {
    guard frame.isAfterCall else { return nil }
    let address = module.linkAddress(of: frame.pc).rawValue
    return stack.problems.attempt(module.path) { () throws(SymbolError) in
      try information.callSite(returnAddress: address)
    }
  }

  /// Where the call that this frame is at led; nil if that isn't known.
  var calledAddress: VirtualAddress? {
    guard let site = callSite else { return nil }
    if site.target == nil { return stack.process.address(of: site.callee, from: module) }
    return stack.problems.attempt(module.path) { () throws(ValueError) in
      try CallerContext(frame: self, callSite: site).calledAddress()
    }
  }

  public var mayTailCallItself: Bool {
    guard let entry = stack.functionEntry(ofFrame: index) else { return true }
    return stack.process.mayTailCallItself(functionAt: entry, problems: stack.problems)
  }

  /// Only the innermost frame's vector registers are known: a callee may use them as it likes.
  public func registerBytes(_ register: RegisterNumber) -> [UInt8]? {
    index == 0 ? stack.vectorRegisters?.bytes(of: register) : nil
  }

  public func threadLocalAddress(offset: UInt64) -> VirtualAddress? {
    guard let thread = stack.threadPointer else { return nil }
    return module.threadLocalAddress(offset: offset, threadPointer: thread)
  }

  public func arrayBounds(of array: TypeID) -> [ArrayBound] {
    stack.problems.attempt(module.path) { () throws(SymbolError) in
      try information.arrayBounds(of: array, at: lookupAddress)
    } ?? []
  }

  /// A variable of the function or of one that was inlined into it here.
  public func variable(_ id: EntryID) -> Variable? {
    for line in stack.lines where line.frameIndex == index {
      guard let scope = line.scope else { continue }
      let found = stack.problems.attempt(module.path) { () throws(SymbolError) in
        for arguments in [true, false] {
          let variables = try information.variables(
            in: scope, at: lookupAddress, arguments: arguments)
          if let variable = variables.first(where: { $0.id == id }) { return variable }
        }
        return nil
      }
      if let found { return found }
    }
    return nil
  }

  public func functionAddress(linkageName: String) -> VirtualAddress? {
    stack.process.functionAddress(linkageName: linkageName, from: module)
  }
}
