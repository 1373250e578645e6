import Bytes

extension DWARFExpression {
  /// What `operations` describe in `context`. `initial` is on the stack at the start, its last
  /// value on top. No operations describe an object that was optimized out.
  ///
  /// Branches go by the operations' `offset`s, which so must ascend as `decode` numbers them.
  public static func evaluate<Context: ExpressionContext>(
    _ operations: [DWARFOperation], in context: Context, initial: [UInt64] = []
  ) throws(ExpressionError) -> ExpressionResult {
    var evaluation = ExpressionEvaluation(context: context, initial: initial)
    try evaluation.run(operations, nesting: 0)
    return try evaluation.result()
  }

  /// The value that `operations` leave on top of the stack, for expressions that give a number: an
  /// unwind rule, a frame base, an attribute, a call site's argument. Throws `.notAValue` if they
  /// describe a register, a constant block or pieces.
  public static func value<Context: ExpressionContext>(
    of operations: [DWARFOperation], in context: Context, initial: [UInt64] = []
  ) throws(ExpressionError) -> ExpressionValue {
    var evaluation = ExpressionEvaluation(context: context, initial: initial)
    try evaluation.run(operations, nesting: 0)
    return try evaluation.value()
  }
}

/// An expression's stack machine (DWARF 5, sections 2.5 and 2.6).
struct ExpressionEvaluation<Context: ExpressionContext> {
  let context: Context
  var stack: [ExpressionValue]
  private var pieces: [ExpressionResult.Piece] = []
  /// A location that isn't a memory address; only a piece or the end may follow it.
  private var pending: ExpressionResult.Kind?
  private var steps = 0

  init(context: Context, initial: [UInt64]) {
    self.context = context
    stack = initial.map { ExpressionValue($0) }
  }

  /// Carries out `operations`, and those they call.
  mutating func run(
    _ operations: [DWARFOperation], nesting: Int
  ) throws(ExpressionError) {
    guard nesting < ExpressionLimits.nesting else { throw .nestingLimit }
    var index = 0
    while index < operations.count {
      steps += 1
      guard steps <= ExpressionLimits.steps else { throw .stepLimit }
      let operation = operations[index]
      index += 1
      switch operation.opcode {
      case .nop, .gnuUninit: continue
      case .piece:
        let (bits, overflow) = operation.operand1.multipliedReportingOverflow(by: 8)
        guard !overflow else {
          throw .invalidSize(operation.operand1, offset: operation.offset)
        }
        try appendPiece(bitSize: bits, bitOffset: 0)
        continue
      case .bitPiece:
        try appendPiece(bitSize: operation.operand1, bitOffset: operation.operand2)
        continue
      default: break
      }
      guard pending == nil else {
        throw .misplaced(operation.opcode, offset: operation.offset)
      }
      switch operation.opcode {
      case .skip: index = try target(of: operation, in: operations)
      case .bra:
        if try popInteger(operation) != 0 { index = try target(of: operation, in: operations) }
      case .call2, .call4:
        try run(
          try context.expression(ofDIE: .unit(operation.operand1)), nesting: nesting + 1)
      case .callRef:
        try run(
          try context.expression(ofDIE: .section(operation.operand1)), nesting: nesting + 1)
      case .addr where index < operations.count && operations[index].opcode.takesTLSOffset:
        // Old GCCs give a thread-local variable's offset as an address.
        try push(operation.operand1, operation)
      default: try execute(operation)
      }
    }
  }

  /// The operation a branch goes to; the number of operations for the end. How long the last
  /// operation is isn't known, so a branch to within it counts as one to the end.
  private func target(
    of branch: DWARFOperation, in operations: [DWARFOperation]
  ) throws(ExpressionError) -> Int {
    let distance = Int64(Int16(truncatingIfNeeded: branch.operand1))
    // A branch takes 3 bytes, and its distance counts from there.
    let (target, overflow) = Int64(truncatingIfNeeded: branch.offset)
      .addingReportingOverflow(3 + distance)
    guard !overflow, let offset = UInt64(exactly: target), let last = operations.last else {
      throw .badBranch(offset: branch.offset, target: target)
    }
    if offset > last.offset { return operations.count }
    var low = 0
    var high = operations.count
    while low < high {
      let middle = low + (high - low) / 2
      if operations[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    guard low < operations.count, operations[low].offset == offset else {
      throw .badBranch(offset: branch.offset, target: target)
    }
    return low
  }

  /// Ends a piece of the object; one that no location precedes was optimized out.
  private mutating func appendPiece(
    bitSize: UInt64, bitOffset: UInt64
  ) throws(ExpressionError) {
    guard pieces.count < ExpressionLimits.pieces else { throw .pieceLimit }
    let kind: ExpressionResult.Kind
    if let pending {
      kind = pending
    } else if let address = stack.popLast() {
      kind = .memory(VirtualAddress(address.word))
    } else {
      kind = .optimizedOut
    }
    pending = nil
    pieces.append(ExpressionResult.Piece(bitSize: bitSize, bitOffset: bitOffset, kind: kind))
  }

  mutating func setLocation(_ kind: ExpressionResult.Kind) { pending = kind }

  func result() throws(ExpressionError) -> ExpressionResult {
    if !pieces.isEmpty {
      // A composite ends with a piece; nothing may be left over.
      guard pending == nil else { throw ExpressionError.notAValue }
      return ExpressionResult(pieces: pieces)
    }
    if let pending { return ExpressionResult(pieces: [.init(kind: pending)]) }
    guard let address = stack.last else {
      return ExpressionResult(pieces: [.init(kind: .optimizedOut)])
    }
    return ExpressionResult(pieces: [.init(kind: .memory(VirtualAddress(address.word)))])
  }

  func value() throws(ExpressionError) -> ExpressionValue {
    guard pieces.isEmpty else { throw .notAValue }
    switch pending {
    case .value(let value): return value
    case nil:
      guard let top = stack.last else { throw .notAValue }
      return top
    default: throw .notAValue
    }
  }
}

extension DWARFOpcode {
  fileprivate var takesTLSOffset: Bool { self == .formTLSAddress || self == .gnuPushTLSAddress }
}

// The stack.
extension ExpressionEvaluation {
  mutating func push(
    _ value: ExpressionValue, _ operation: DWARFOperation
  ) throws(ExpressionError) {
    guard stack.count < ExpressionLimits.stackDepth else {
      throw .stackOverflow(offset: operation.offset)
    }
    stack.append(value)
  }

  /// Pushes an integer of the generic type.
  mutating func push(_ value: UInt64, _ operation: DWARFOperation) throws(ExpressionError) {
    try push(generic(value), operation)
  }

  func generic(_ value: UInt64) -> ExpressionValue {
    ExpressionValue(context.addressSize == 4 ? value & 0xffff_ffff : value)
  }

  mutating func pop(_ operation: DWARFOperation) throws(ExpressionError) -> ExpressionValue {
    guard let value = stack.popLast() else { throw .stackUnderflow(offset: operation.offset) }
    return value
  }

  /// Pops a value that must be an integer: an address, an offset, a condition.
  mutating func popInteger(_ operation: DWARFOperation) throws(ExpressionError) -> UInt64 {
    let value = try pop(operation)
    guard value.isInteger else { throw .typeMismatch(offset: operation.offset) }
    return value.word
  }

  /// The value `index` below the top.
  func peek(_ index: UInt64, _ operation: DWARFOperation) throws(ExpressionError)
    -> ExpressionValue
  {
    guard index < UInt64(stack.count) else { throw .stackUnderflow(offset: operation.offset) }
    return stack[stack.count - 1 - Int(index)]
  }
}
