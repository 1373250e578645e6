public import Bytes

/// Where a condition finds the target's state.
public protocol AgentContext {
  /// The register of that number in the target description, as a number; nil if it is unknown, longer
  /// than 64 bits or there is none.
  func register(_ number: Int) async throws(RemoteError) -> UInt64?

  /// The `count` bytes at `address`, or as many as lie before the first that can't be read.
  func memory(at address: VirtualAddress, count: Int) async throws(RemoteError) -> [UInt8]
}

extension AgentExpression {
  /// What the expression comes to. It always ends, after `limit` operations at most.
  public func value(
    in context: some AgentContext, limit: Int = 10_000
  ) async throws(AgentExpressionError) -> UInt64 {
    var evaluation = AgentEvaluation(bytecode: bytecode, context: context)
    for _ in 0..<limit {
      if let value = try await evaluation.step() { return value }
    }
    throw .tooLong(limit: limit)
  }
}

extension Breakpoint {
  /// Whether the breakpoint counts, its conditions being what they are. One that can't be evaluated
  /// counts as true: rather one stop too many than one too few.
  public func applies(in context: some AgentContext) async -> Bool {
    guard !conditions.isEmpty else { return true }
    for condition in conditions {
      do throws(AgentExpressionError) {
        if try await condition.value(in: context) != 0 { return true }
      } catch {
        return true
      }
    }
    return false
  }
}

/// A stack machine at work on an expression.
private struct AgentEvaluation<Context: AgentContext> {
  /// More than gdb's own compiler can make use of.
  private static var stackLimit: Int { 256 }

  let bytecode: [UInt8]
  let context: Context
  private var stack: [UInt64] = []
  private var position = 0
  /// Where the operation at work begins.
  private var start = 0

  init(bytecode: [UInt8], context: Context) {
    self.bytecode = bytecode
    self.context = context
  }

  /// Does one operation; gives the expression's value if it was the last.
  mutating func step() async throws(AgentExpressionError) -> UInt64? {
    start = position
    let code = UInt8(try operand(1))
    guard let operation = AgentOperation(rawValue: code) else {
      throw .unknownOperation(code, offset: start)
    }
    switch operation {
    case .end: return try pop()
    case .const8: try push(try operand(1))
    case .const16: try push(try operand(2))
    case .const32: try push(try operand(4))
    case .const64: try push(try operand(8))
    case .reg: try await pushRegister(Int(try operand(2)))
    case .ref8: try await pushMemory(1)
    case .ref16: try await pushMemory(2)
    case .ref32: try await pushMemory(4)
    case .ref64: try await pushMemory(8)
    case .goto: position = Int(try operand(2))
    case .ifGoto:
      let target = Int(try operand(2))
      if try pop() != 0 { position = target }
    case .dup, .pop, .swap, .pick, .rot: try rearrange(operation)
    case .ext, .zeroExt: try extend(operation, bits: try operand(1))
    case .logNot: try push(try pop() == 0 ? 1 : 0)
    case .bitNot: try push(~(try pop()))
    // What a tracepoint would collect doesn't matter here.
    case .trace, .tracenz: _ = (try pop(), try pop())
    case .traceQuick: _ = try operand(1)
    case .trace16: _ = try operand(2)
    default:
      let right = try pop()
      try push(try binary(operation, try pop(), right))
    }
    return nil
  }

  /// An operand of the operation, most significant byte first.
  private mutating func operand(_ count: Int) throws(AgentExpressionError) -> UInt64 {
    guard position <= bytecode.count - count else { throw .endless(offset: start) }
    defer { position += count }
    return bytecode[position..<position + count].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func push(_ value: UInt64) throws(AgentExpressionError) {
    guard stack.count < Self.stackLimit else { throw .stack(offset: start) }
    stack.append(value)
  }

  private mutating func pop() throws(AgentExpressionError) -> UInt64 {
    guard let value = stack.popLast() else { throw .stack(offset: start) }
    return value
  }

  private mutating func pushRegister(_ number: Int) async throws(AgentExpressionError) {
    let value: UInt64?
    do throws(RemoteError) { value = try await context.register(number) } catch {
      throw .target(error, offset: start)
    }
    guard let value else { throw .unknownRegister(number, offset: start) }
    try push(value)
  }

  private mutating func pushMemory(_ count: Int) async throws(AgentExpressionError) {
    let address = VirtualAddress(try pop())
    let bytes: [UInt8]
    do throws(RemoteError) { bytes = try await context.memory(at: address, count: count) } catch {
      throw .target(error, offset: start)
    }
    guard bytes.count == count else {
      let reason = RemoteError.memory(address &+ UInt64(bytes.count), reason: "can't be read")
      throw .target(reason, offset: start)
    }
    try push(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }

  private mutating func rearrange(_ operation: AgentOperation) throws(AgentExpressionError) {
    let depth: Int =
      switch operation {
      case .pick: Int(try operand(1))
      case .swap: 1
      case .rot: 2
      default: 0
      }
    let top = stack.count - 1
    guard depth <= top else { throw .stack(offset: start) }
    switch operation {
    case .pop: stack.removeLast()
    case .swap: stack.swapAt(top, top - 1)
    // a b c becomes c a b.
    case .rot: stack.insert(stack.removeLast(), at: top - 2)
    default: try push(stack[top - depth])
    }
  }

  /// Sign- or zero-extends what is on top from its lowest `bits`.
  private mutating func extend(
    _ operation: AgentOperation, bits: UInt64
  ) throws(AgentExpressionError) {
    let value = try pop()
    guard bits > 0, bits < 64 else { return try push(bits == 0 ? 0 : value) }
    let shift = 64 - bits
    if operation == .ext {
      try push(UInt64(bitPattern: Int64(bitPattern: value << shift) >> Int64(shift)))
    } else {
      try push((value << shift) >> shift)
    }
  }

  /// Sums and products are modulo 2⁶⁴, as on the CPUs; a shift by 64 or more shifts everything out.
  private func binary(
    _ operation: AgentOperation, _ left: UInt64, _ right: UInt64
  ) throws(AgentExpressionError) -> UInt64 {
    let signed = (Int64(bitPattern: left), Int64(bitPattern: right))
    switch operation {
    case .add: return left &+ right
    case .sub: return left &- right
    case .mul: return left &* right
    case .bitAnd: return left & right
    case .bitOr: return left | right
    case .bitXor: return left ^ right
    case .equal: return left == right ? 1 : 0
    case .lessSigned: return signed.0 < signed.1 ? 1 : 0
    case .lessUnsigned: return left < right ? 1 : 0
    case .lsh: return left << right
    case .rshUnsigned: return left >> right
    case .rshSigned: return UInt64(bitPattern: signed.0 >> Int(clamping: right))
    default: break
    }
    guard right != 0 else { throw .divisionByZero(offset: start) }
    switch operation {
    case .divUnsigned: return left / right
    case .remUnsigned: return left % right
    case .divSigned:
      return UInt64(bitPattern: signed.0.dividedReportingOverflow(by: signed.1).partialValue)
    default:
      return UInt64(
        bitPattern: signed.0.remainderReportingOverflow(dividingBy: signed.1).partialValue)
    }
  }
}
