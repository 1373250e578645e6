public import Bytes

/// What the names in an expression mean, and the memory that it reads.
public protocol CExpressionContext: Sendable {
  var memory: any Memory { get }

  /// The variable or function of that name; nil if there is none.
  func variable(named name: String) throws(SymbolError) -> CVariable?

  /// The type of that name, as C spells it; nil if there is none.
  func type(named name: String) throws(SymbolError) -> TypeReference?

  /// The enumerator of that name, with its enumeration's type; nil if there is none.
  func enumerator(named name: String) throws(SymbolError) -> (type: TypeReference, value: Int64)?

  /// What to add, modulo 2⁶⁴, to the address of a per-CPU variable for the copy of a CPU; nil if
  /// there is no such CPU.
  func perCPUOffset(_ cpu: UInt64) -> UInt64?
}

/// What a symbol stands for.
public struct CVariable: Sendable {
  public let address: VirtualAddress
  /// Nil if nothing tells it.
  public let type: TypeReference?
  /// `address` isn't that of the variable, but what the copies' addresses are made of.
  public let isPerCPU: Bool

  public init(address: VirtualAddress, type: TypeReference?, isPerCPU: Bool = false) {
    self.address = address
    self.type = type
    self.isPerCPU = isPerCPU
  }
}

/// Computes C's expressions over a program's memory: `init_task.tasks`,
/// `((struct task_struct *)0xffff888003d00000)->comm`, `container_of(&x, struct y, z)`.
///
/// Nothing is ever written, and no function called.
public struct CExpression {
  private let context: any CExpressionContext

  public init(_ context: any CExpressionContext) { self.context = context }

  /// The value of `text`. What lies in memory isn't read yet, except where the way to it leads
  /// through it.
  ///
  /// - Throws: a `CExpressionError` that names the column.
  public func value(of text: String) throws(CExpressionError) -> TypedValue {
    let context = context
    let syntax = try CParser.parse(text) { name in Self.isType(name, in: context) }
    var evaluation = CEvaluation(context)
    return try evaluation.result(of: syntax)
  }

  /// A name that is both a variable's and a type's is the variable's, as in C's inner scopes.
  private static func isType(_ name: String, in context: any CExpressionContext) -> Bool {
    do throws(SymbolError) {
      guard try context.variable(named: name) == nil else { return false }
      return try context.type(named: name) != nil
    } catch {
      // What can't be read isn't known; evaluating the name gives the error.
      return false
    }
  }
}
