import Bytes
import Unwinding

/// Answers what expressions of a frame's debug information ask, with the frame's context.
struct FrameExpressions: ExpressionContext {
  let frame: any FrameContext
  /// How many callers were gone through to get here: an entry value may rest on another one.
  let callerDepth: Int
  /// A frame base mustn't count from itself.
  private let isFrameBase: Bool

  /// Far more callers than any compiler's expressions reach through.
  static let callerLimit = 32

  init(_ frame: any FrameContext, callerDepth: Int = 0, isFrameBase: Bool = false) {
    self.frame = frame
    self.callerDepth = callerDepth
    self.isFrameBase = isFrameBase
  }

  func register(_ register: RegisterNumber) throws(ExpressionError) -> UInt64? {
    guard let bytes = frame.bytes(of: register), bytes.count >= 8 else { return nil }
    return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func register(
    _ register: RegisterNumber, as type: ExpressionType
  ) throws(ExpressionError) -> ExpressionValue? {
    guard let bytes = frame.bytes(of: register), bytes.count >= Int(type.size) else { return nil }
    let bits = bytes.prefix(Int(type.size)).reversed().reduce(UInt128(0)) {
      $0 << 8 | UInt128($1)
    }
    return ExpressionValue(bits: bits, type: type)
  }

  func memory(at address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    try frame.memory.read(address, count: count)
  }

  func frameBase() throws(ExpressionError) -> UInt64 {
    guard !isFrameBase, let operations = frame.frameBase else { throw .unsupported(.fbreg) }
    let context = FrameExpressions(frame, callerDepth: callerDepth, isFrameBase: true)
    let result = try DWARFExpression.evaluate(operations, in: context)
    guard result.pieces.count == 1, let piece = result.pieces.first else { throw .notAValue }
    switch piece.kind {
    case .memory(let address): return address.rawValue
    case .value(let value): return value.word
    // Old compilers name the frame pointer itself and mean what it holds.
    case .register(let register):
      guard let value = try self.register(register) else { throw .registerUnknown(register) }
      return value
    case .bytes, .implicitPointer, .optimizedOut: throw .notAValue
    }
  }

  func canonicalFrameAddress() throws(ExpressionError) -> UInt64 {
    guard let address = frame.canonicalFrameAddress else { throw .unsupported(.callFrameCFA) }
    return address.rawValue
  }

  func relocated(_ address: UInt64) throws(ExpressionError) -> UInt64 { address &+ frame.bias }

  func threadLocalAddress(offset: UInt64) throws(ExpressionError) -> UInt64 {
    guard let address = frame.threadLocalAddress(offset: offset) else {
      throw .unsupported(.formTLSAddress)
    }
    return address.rawValue
  }

  func entryValue(
    of operations: [DWARFOperation]
  ) throws(ExpressionError) -> ExpressionValue {
    let value: ExpressionValue?
    do throws(ValueError) {
      value = try EntryValues(frame, callerDepth: callerDepth).value(at: operations)
    } catch {
      // Whatever went wrong out there: the value on entry isn't known here.
      if case .memory(let fault) = error { throw .memory(fault) }
      value = nil
    }
    guard let value else { throw .unsupported(.entryValue) }
    return value
  }

  func expression(ofDIE die: DIEReference) throws(ExpressionError) -> [DWARFOperation] {
    guard let variable = frame.variable(Self.entry(die)) else { throw .unsupported(.call4) }
    guard case .operations(let operations) = variable.location else { return [] }
    return operations
  }

  func variableValue(ofDIE die: DIEReference) throws(ExpressionError) -> ExpressionValue {
    guard callerDepth < Self.callerLimit, let variable = frame.variable(Self.entry(die)) else {
      throw .unsupported(.gnuVariableValue)
    }
    let reader = VariableReader(frame, callerDepth: callerDepth + 1)
    do throws(ValueError) {
      let formatter = ValueFormatter(memory: frame.memory)
      let bits = try formatter.fetch(try reader.value(of: variable))
      let slice = ValueSlice(bits)
      let count = UInt64(min(bits.bytes.count, 8)) * 8
      guard slice.missing(count) == nil, let number = slice.unsigned(count) else {
        throw ValueError.location("no value")
      }
      return ExpressionValue(UInt64(truncatingIfNeeded: number))
    } catch {
      throw .unsupported(.gnuVariableValue)
    }
  }

  func baseType(ofDIE die: DIEReference) throws(ExpressionError) -> ExpressionType {
    let node: TypeNode
    do throws(SymbolError) {
      node = try frame.graph.node(TypeID(Self.entry(die).rawValue))
    } catch {
      throw .unsupported(.convert)
    }
    guard case .base(_, let encoding, let size) = node,
      let type = ExpressionType(Self.encoding(encoding), size: size)
    else { throw .unsupported(.convert) }
    return type
  }

  /// Debug information hands out expressions whose references are identifiers of its own.
  private static func entry(_ die: DIEReference) -> EntryID {
    switch die {
    case .unit(let id), .section(let id): EntryID(id)
    }
  }

  private static func encoding(_ encoding: BaseEncoding) -> ExpressionType.Encoding {
    switch encoding {
    case .signed, .signedCharacter: .signed
    case .unsigned, .unsignedCharacter, .utf: .unsigned
    case .boolean: .boolean
    case .float: .float
    case .address: .address
    case .complexFloat, .other: .other
    }
  }
}
