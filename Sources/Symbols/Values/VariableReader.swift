import Bytes
public import Unwinding

/// Reads the values of a frame's variables.
public struct VariableReader: Sendable {
  public let frame: any FrameContext
  /// Values of more bytes than this aren't put together.
  public var maximumValueSize: UInt64 = FormatOptions().maximumValueSize
  let callerDepth: Int

  public init(_ frame: any FrameContext) {
    self.init(frame, callerDepth: 0)
  }

  init(_ frame: any FrameContext, callerDepth: Int) {
    self.frame = frame
    self.callerDepth = callerDepth
  }

  /// The variable's value. What is in memory isn't read yet.
  ///
  /// - Throws: `.memory` if the way to the value leads through memory that isn't there;
  ///   `.location` if its expression is wrong; `.tooLarge`; `.symbol`.
  public func value(of variable: Variable) throws(ValueError) -> TypedValue {
    let value: TypedValue
    switch variable.location {
    case .optimizedOut, .absentAtAddress: value = typed(variable.type, .missing(.optimizedOut))
    case .unreadable(let problem): throw .symbol(problem)
    case .constant(let constant):
      value = try TypedValue(
        graph: frame.graph, type: variable.type, constant: constant, limit: maximumValueSize)
    case .operations(let operations):
      value = try self.value(at: operations, type: variable.type)
    }
    return try withBounds(value)
  }

  /// The value of `type` at the place, or of the amount, that `operations` describe.
  public func value(
    at operations: [DWARFOperation], type: TypeID?
  ) throws(ValueError) -> TypedValue {
    let result: ExpressionResult
    do throws(ExpressionError) {
      let context = FrameExpressions(frame, callerDepth: callerDepth)
      result = try DWARFExpression.evaluate(operations, in: context)
    } catch {
      return typed(type, try Self.absorb(error, or: .missing(.optimizedOut)))
    }
    if result.pieces.count == 1, let piece = result.pieces.first, piece.bitSize == nil {
      switch piece.kind {
      case .memory(let address): return typed(type, .memory(address))
      case .optimizedOut: return typed(type, .missing(.optimizedOut))
      case .implicitPointer(let die, let offset):
        return typed(type, try synthetic(type, die: die, offset: offset))
      case .register, .value, .bytes: break
      }
    }
    return typed(type, .assembled(try assemble(result.pieces, type: type)))
  }

  /// What `variable`, a parameter, was worth when the function was entered, given its location
  /// there; nil if that isn't known, as mostly.
  ///
  /// - Parameter entryLocation: the location at the function's first instruction; if it was inlined,
  ///   at that of the function around it.
  public func entryValue(
    of variable: Variable, entryLocation: VariableLocation
  ) throws(ValueError) -> EntryValue? {
    guard case .operations(let operations) = entryLocation else { return nil }
    let entryValues = EntryValues(frame, callerDepth: callerDepth)
    guard let (parameter, caller) = try entryValues.parameter(at: operations),
      let expression = parameter.value,
      let number = try entryValues.evaluate(expression, in: caller)
    else { return nil }
    let value = typed(variable.type, .assembled(try assemble(number, type: variable.type)))
    let reference = try symbols { () throws(SymbolError) in
      try TypeReference(frame.graph, variable.type).stripped()
    }
    guard
      case .reference(let target, _, _) = try symbols({ () throws(SymbolError) in
        try reference.node()
      })
    else { return EntryValue(value: value, referenced: nil) }
    // What a reference refers to may have changed since; without a record of it gdb shows nothing.
    guard let dataValue = parameter.dataValue,
      let data = try entryValues.evaluate(dataValue, in: caller)
    else { return nil }
    let referenced = typed(target, .assembled(try assemble(data, type: target)))
    return EntryValue(value: value, referenced: referenced)
  }

  // MARK: Assembling

  private func typed(_ type: TypeID?, _ contents: ValueContents) -> TypedValue {
    TypedValue(graph: frame.graph, type: type, contents: contents)
  }

  private func symbols<Result>(
    _ body: () throws(SymbolError) -> Result
  ) throws(ValueError) -> Result {
    do throws(SymbolError) { return try body() } catch { throw .symbol(error) }
  }

  private func size(_ type: TypeID?) throws(ValueError) -> Int {
    try TypedValue.size(frame.graph, type, limit: maximumValueSize)
  }

  private func assemble(
    _ number: ExpressionValue, type: TypeID?
  ) throws(ValueError) -> AssembledBits {
    try assemble([.init(kind: .value(number))], type: type)
  }

  private func assemble(
    _ pieces: [ExpressionResult.Piece], type: TypeID?
  ) throws(ValueError) -> AssembledBits {
    var assembly = BitAssembly(byteCount: try size(type))
    for piece in pieces where assembly.remaining > 0 {
      let count = min(piece.bitSize ?? .max, assembly.remaining)
      switch piece.kind {
      case .memory(let address):
        try appendMemory(address, from: piece.bitOffset, count: count, to: &assembly)
      case .register(let register):
        if let bytes = frame.bytes(of: register) {
          assembly.append(bytes, from: piece.bitOffset, count: count)
        } else {
          // gdb too shows a variable whose register wasn't saved as optimized out.
          assembly.appendMissing(count, .optimizedOut)
        }
      case .value(let value):
        let size = value.type.map { Int($0.size) } ?? 8
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value.bits >> UInt128(8 * $0)) }
        assembly.append(bytes, from: piece.bitOffset, count: count)
      case .bytes(let bytes): assembly.append(bytes, from: piece.bitOffset, count: count)
      case .implicitPointer: assembly.appendMissing(count, .syntheticPointer)
      case .optimizedOut: assembly.appendMissing(count, .optimizedOut)
      }
    }
    return assembly.finish()
  }

  private func appendMemory(
    _ address: VirtualAddress, from bitOffset: UInt64, count: UInt64, to assembly: inout BitAssembly
  ) throws(ValueError) {
    let start = address &+ bitOffset / 8
    // `count` is at most the value's own size, so the sum can't overflow.
    let byteCount = (bitOffset % 8 + count + 7) / 8
    do throws(MemoryFault) {
      let bytes = try frame.memory.read(start, count: byteCount).copy()
      assembly.append(bytes, from: bitOffset % 8, count: count)
    } catch {
      throw .memory(error)
    }
  }

  /// A pointer or reference that no longer exists. What a reference refers to can still be shown.
  private func synthetic(
    _ type: TypeID?, die: UInt64, offset: Int64
  ) throws(ValueError) -> ValueContents {
    let stripped = try symbols { () throws(SymbolError) in
      try TypeReference(frame.graph, type).stripped().node()
    }
    guard case .reference(let target, _, _) = stripped, callerDepth < FrameExpressions.callerLimit,
      let variable = frame.variable(EntryID(die)), let skipped = UInt64(exactly: offset)
    else { return .missing(.syntheticPointer) }
    let reader = VariableReader(frame, callerDepth: callerDepth + 1)
    let value = try reader.value(of: variable)
    switch value.contents {
    case .memory(let address):
      return .syntheticReference(to: typed(target, .memory(address &+ skipped)))
    case .assembled(let bits):
      var part = BitAssembly(byteCount: try size(target))
      part.append(bits, fromByte: skipped)
      return .syntheticReference(to: typed(target, .assembled(part.finish())))
    case .missing, .syntheticReference:
      return .syntheticReference(to: typed(target, .missing(.optimizedOut)))
    }
  }

  /// What becomes of a value whose expression fails: `missing` if that is because something it rests
  /// on is unknown, else an error.
  static func absorb<Result>(
    _ error: ExpressionError, or missing: Result
  ) throws(ValueError) -> Result {
    switch error {
    // A register that should give the value is optimized out; one that should lead to it is, in
    // gdb's eyes, an error.
    case .registerUnknown: throw .location("value has been optimized out")
    case .unsupported(.entryValue), .unsupported(.gnuEntryValue),
      .unsupported(.gnuParameterRef), .unsupported(.gnuVariableValue), .notAValue:
      return missing
    case .memory(let fault): throw .memory(fault)
    default: throw .location(error.description)
    }
  }
}

/// What a parameter was worth when its function was entered.
public struct EntryValue: Sendable {
  public let value: TypedValue
  /// If the parameter is a reference, what it referred to held then.
  public let referenced: TypedValue?
}
