/// Why a condition has no value.
public enum AgentExpressionError: Error, Hashable, Sendable {
  /// It needs a register that is unknown or that there isn't.
  case unknownRegister(Int, offset: Int)
  /// It needs memory that can't be read.
  case target(RemoteError, offset: Int)
  /// The byte at `offset` is no operation that conditions have.
  case unknownOperation(UInt8, offset: Int)
  /// The bytecode ends within an operation, or without `end`.
  case endless(offset: Int)
  /// There are fewer values on the stack than the operation at `offset` takes, or too many.
  case stack(offset: Int)
  case divisionByZero(offset: Int)
  /// It has run `limit` operations and hasn't come to an end.
  case tooLong(limit: Int)
}
