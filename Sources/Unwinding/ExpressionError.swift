public import Bytes

/// Why a DWARF expression couldn't be decoded or evaluated. Offsets count from the expression's
/// start.
public enum ExpressionError: Error, Hashable, Sendable {
  /// The expression's bytes end within an operation, or hold an impossible number.
  case bytes(ByteError)
  /// An opcode that neither DWARF 5 nor GNU defines.
  case unknownOpcode(DWARFOpcode, offset: UInt64)
  /// Whoever evaluates can't answer what this operation asks.
  case unsupported(DWARFOpcode)
  /// The register's value in this frame is lost.
  case registerUnknown(RegisterNumber)
  /// Memory that the expression reads isn't there.
  case memory(MemoryFault)
  /// An operation wants more values than are on the stack.
  case stackUnderflow(offset: UInt64)
  /// More than `ExpressionLimits.stackDepth` values.
  case stackOverflow(offset: UInt64)
  /// More than `ExpressionLimits.steps` operations were carried out.
  case stepLimit
  /// Calls or expressions in expressions nest deeper than `ExpressionLimits.nesting`.
  case nestingLimit
  /// More than `ExpressionLimits.pieces` pieces.
  case pieceLimit
  case divisionByZero(offset: UInt64)
  /// A branch that leads into an operation, or out of the expression.
  case badBranch(offset: UInt64, target: Int64)
  /// Operands of different types, or of one that the operation can't handle.
  case typeMismatch(offset: UInt64)
  /// A type whose arithmetic isn't known here.
  case unsupportedType(ExpressionType)
  /// A read of that many bytes, where 1 to 16 are possible.
  case invalidSize(UInt64, offset: UInt64)
  /// A location is followed by something other than a piece or the end, or a piece by nothing it
  /// could describe.
  case misplaced(DWARFOpcode, offset: UInt64)
  /// The expression gives a location where a value was wanted.
  case notAValue
}

/// How far evaluation goes before it is called off.
public enum ExpressionLimits {
  /// Operations, calls included: loops in real expressions turn at most a few dozen times.
  public static let steps = 10_000
  /// Values on the stack.
  public static let stackDepth = 256
  /// Calls within calls, and expressions within expressions.
  public static let nesting = 16
  /// Pieces of one object.
  public static let pieces = 4096
}

extension ExpressionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .bytes(let error): "expression: \(error)"
    case .unknownOpcode(let opcode, let offset):
      "expression: unknown opcode \(hex(opcode.rawValue)) at \(hex(offset))"
    case .unsupported(let opcode): "\(opcode) can't be evaluated here"
    case .registerUnknown(let register): "register \(register.rawValue) was not saved"
    case .memory(let fault): "\(fault)"
    case .stackUnderflow(let offset): "expression: stack empty at \(hex(offset))"
    case .stackOverflow(let offset): "expression: stack full at \(hex(offset))"
    case .stepLimit: "expression: more than \(ExpressionLimits.steps) steps"
    case .nestingLimit: "expression: nested deeper than \(ExpressionLimits.nesting)"
    case .pieceLimit: "expression: more than \(ExpressionLimits.pieces) pieces"
    case .divisionByZero(let offset): "expression: division by zero at \(hex(offset))"
    case .badBranch(let offset, let target):
      "expression: branch at \(hex(offset)) to \(target), where no operation starts"
    case .typeMismatch(let offset): "expression: operands of the wrong type at \(hex(offset))"
    case .unsupportedType(let type): "expression: no arithmetic for \(type)"
    case .invalidSize(let size, let offset):
      "expression: read of \(size) bytes at \(hex(offset))"
    case .misplaced(let opcode, let offset): "expression: \(opcode) is misplaced at \(hex(offset))"
    case .notAValue: "expression: gives a location where a value was wanted"
    }
  }
}
