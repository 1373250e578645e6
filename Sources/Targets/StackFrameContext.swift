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

  public var graph: any TypeGraph { information }
  public var registers: RegisterState { frame.registers }
  public var memory: any Memory { stack.process.memory }
  public var canonicalFrameAddress: VirtualAddress? { frame.cfa }
  public var bias: UInt64 { module.bias }

  public var caller: CallerContext? {
    guard let caller = StackFrameContext(stack, frame: index + 1), caller.frame.isAfterCall else {
      return nil
    }
    let address = caller.module.linkAddress(of: caller.frame.pc).rawValue
    let site = stack.problems.attempt(caller.module.path) { () throws(SymbolError) in
      try caller.information.callSite(returnAddress: address)
    }
    return site.map { CallerContext(frame: caller, callSite: $0) }
  }

  /// Only the innermost frame's vector registers are known: a callee may use them as it likes.
  public func registerBytes(_ register: RegisterNumber) -> [UInt8]? {
    index == 0 ? stack.vectorRegisters?.bytes(of: register) : nil
  }

  public func threadLocalAddress(offset: UInt64) -> VirtualAddress? {
    guard let thread = stack.threadPointer else { return nil }
    return module.threadLocalAddress(offset: offset, threadPointer: thread)
  }

  public func functionAddress(linkageName: String) -> VirtualAddress? {
    let others = stack.process.modules.lazy.filter { $0 !== module }
    for candidate in [module] + others {
      if let symbol = candidate.contents.symbols?.symbol(named: linkageName) {
        return candidate.loadedAddress(of: symbol.address)
      }
    }
    return nil
  }
}
