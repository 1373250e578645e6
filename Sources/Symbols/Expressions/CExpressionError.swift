public import Bytes

/// Why an expression has no value, and at which of its columns (from 1).
public struct CExpressionError: Error, Hashable, Sendable {
  public enum Reason: Hashable, Sendable {
    /// The expression isn't C, or a part of it that isn't understood: what was expected.
    case expected(String)
    /// Neither a variable nor an enumerator is called so.
    case unknownName(String)
    case unknownType(String)
    /// Nothing tells the variable's type.
    case untypedVariable(String)
    /// The variable has a copy for each CPU.
    case perCPUVariable(String)
    /// An operator isn't for what stands there, as said.
    case unfit(String)
    /// A number that can't be computed, as said.
    case arithmetic(String)
    case symbols(SymbolError)
    case memory(MemoryFault)
    case value(ValueError)
    /// It nests deeper, or is longer, than is allowed.
    case tooLong(limit: Int)
  }

  public let column: Int
  public let reason: Reason

  public init(column: Int, _ reason: Reason) {
    self.column = column
    self.reason = reason
  }
}

extension CExpressionError: CustomStringConvertible {
  public var description: String { "column \(column): \(reason)" }
}

extension CExpressionError.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .expected(let what): "\(what) expected"
    case .unknownName(let name): "there is no symbol \(name)"
    case .unknownType(let name): "there is no type \(name)"
    case .untypedVariable(let name):
      "the type of \(name) isn't known; say it: *(struct x *)&\(name)"
    case .perCPUVariable(let name):
      "\(name) has a copy for each CPU; say which: per_cpu(\(name), 0)"
    case .unfit(let reason), .arithmetic(let reason): reason
    case .symbols(let error): "\(error)"
    case .memory(let fault): "\(fault)"
    case .value(let error): "\(error)"
    case .tooLong(let limit): "longer or deeper than \(limit)"
    }
  }
}
