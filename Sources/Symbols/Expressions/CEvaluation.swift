import Bytes

/// Computes one expression.
struct CEvaluation {
  let context: any CExpressionContext
  /// What was made of each graph's types.
  private var graphs: [ObjectIdentifier: DerivedTypes] = [:]
  private let numbers = DerivedTypes(NoTypes())
  private var depth = 0
  private static let depthLimit = 256

  init(_ context: any CExpressionContext) { self.context = context }

  /// The value of the whole expression.
  mutating func result(of syntax: CSyntax) throws(CExpressionError) -> TypedValue {
    let value = try qualified(try evaluate(syntax), at: syntax)
    let contents: ValueContents
    switch value.place {
    case .memory(let address): contents = .memory(address)
    case .bitField, .number:
      let number = try number(value, at: syntax)
      let size = try attempt(syntax) { () throws(SymbolError) in try value.type.size() } ?? 8
      contents = .assembled(
        AssembledBits((0..<min(size, 8)).map { UInt8(truncatingIfNeeded: number.bits >> (8 * $0)) })
      )
    }
    return TypedValue(graph: value.type.graph, type: value.type.id, contents: contents)
  }

  // MARK: Errors

  func failure(_ syntax: CSyntax, _ reason: CExpressionError.Reason) -> CExpressionError {
    CExpressionError(column: syntax.column, reason)
  }

  /// Gives errors of debug information their column.
  func attempt<Result>(
    _ syntax: CSyntax, _ body: () throws(SymbolError) -> Result
  ) throws(CExpressionError) -> Result {
    do throws(SymbolError) { return try body() } catch { throw failure(syntax, .symbols(error)) }
  }

  /// The value itself, unless something has to be said about it first.
  func qualified(_ value: CValue, at syntax: CSyntax) throws(CExpressionError) -> CValue {
    if let obstacle = value.obstacle { throw failure(syntax, obstacle) }
    return value
  }

  // MARK: Types

  /// `type` in a graph to which others can be added.
  mutating func derivable(_ type: TypeReference) -> TypeReference {
    TypeReference(graph(of: type), type.id)
  }

  mutating func graph(of type: TypeReference) -> DerivedTypes {
    if let derived = type.graph as? DerivedTypes { return derived }
    let key = ObjectIdentifier(type.graph)
    if let known = graphs[key] { return known }
    let derived = DerivedTypes(type.graph)
    graphs[key] = derived
    return derived
  }

  mutating func pointer(to type: TypeReference) -> TypeReference {
    graph(of: type).pointer(to: type.id)
  }

  mutating func type(_ name: CTypeName) throws(CExpressionError) -> TypeReference {
    var type: TypeReference
    if name.base == "void" {
      type = TypeReference(numbers, nil)
    } else {
      let found: TypeReference?
      do throws(SymbolError) {
        found = try context.type(named: name.base)
      } catch {
        throw CExpressionError(column: name.column, .symbols(error))
      }
      if let found {
        type = derivable(found)
      } else if let builtIn = Self.builtIns[TypeName(name.base).name] {
        type = numbers.builtIn(builtIn)
      } else {
        throw CExpressionError(column: name.column, .unknownType(name.base))
      }
    }
    for _ in 0..<name.pointers { type = pointer(to: type) }
    for count in name.dimensions.reversed() {
      type = graph(of: type).array(of: type.id, count: count)
    }
    return type
  }

  /// Integers that are C's whether or not the program uses them, in GCC's words.
  private static let builtIns: [String: DerivedTypes.BuiltIn] = [
    "int": .int, "unsigned int": .unsignedInt, "long int": .long,
    "long unsigned int": .unsignedLong,
  ]

  func builtIn(_ number: CNumber) -> TypeReference {
    switch (number.size, number.isSigned) {
    case (8, true): numbers.builtIn(.long)
    case (8, false): numbers.builtIn(.unsignedLong)
    case (_, true): numbers.builtIn(.int)
    case (_, false): numbers.builtIn(.unsignedInt)
    }
  }

  func value(_ number: CNumber) -> CValue {
    CValue(type: builtIn(number), place: .number(number.bits))
  }

  // MARK: Forms

  mutating func evaluate(_ syntax: CSyntax) throws(CExpressionError) -> CValue {
    guard depth < Self.depthLimit else {
      throw failure(syntax, .tooLong(limit: Self.depthLimit))
    }
    depth += 1
    defer { depth -= 1 }
    switch syntax.form {
    case .name(let name): return try variable(name, at: syntax)
    case .number(let value, let isUnsigned, let isLong):
      return self.value(Self.literal(value, isUnsigned: isUnsigned, isLong: isLong))
    case .member(let record, let name, let isArrow):
      return try member(name, of: record, isArrow: isArrow, at: syntax)
    case .element(let array, let index):
      return try dereference(try binary("+", array, index, at: syntax), at: syntax)
    case .dereference(let operand): return try dereference(try evaluate(operand), at: syntax)
    case .address(let operand): return try address(of: try evaluate(operand), at: syntax)
    case .unary(let symbol, let operand):
      return try unary(symbol, try evaluate(operand), at: syntax)
    case .binary(let symbol, let left, let right):
      return try binary(symbol, left, right, at: syntax)
    case .conditional(let condition, let yes, let no):
      return try evaluate(try isTrue(condition) ? yes : no)
    case .cast(let name, let operand): return try cast(operand, to: try type(name), at: syntax)
    case .sizeOfType(let name): return try size(of: try type(name), at: syntax)
    case .sizeOfValue(let operand):
      return try size(of: try qualified(try evaluate(operand), at: operand).type, at: syntax)
    case .offsetOf(let name, let path):
      let member = try find(path, in: try type(name), at: syntax)
      return value(CNumber(member.byteOffset, size: 8, isSigned: false))
    case .containerOf(let pointer, let name, let path):
      return try container(pointer, try type(name), path, at: syntax)
    case .perCPU(let variable, let cpu, let isPointer):
      return try perCPU(variable, cpu, isPointer: isPointer, at: syntax)
    }
  }

  /// `int` if it fits, else the next wider type (C17, 6.4.4.1); hexadecimal ones rarely mean a sign.
  private static func literal(_ value: UInt64, isUnsigned: Bool, isLong: Bool) -> CNumber {
    if !isLong, value <= UInt64(Int32.max) {
      return CNumber(value, size: 4, isSigned: !isUnsigned)
    }
    return CNumber(value, size: 8, isSigned: !isUnsigned && value <= UInt64(Int64.max))
  }

  private mutating func variable(
    _ name: String, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    if let found = try attempt(
      syntax, { () throws(SymbolError) in try context.variable(named: name) })
    {
      let type = found.type.map { derivable($0) } ?? TypeReference(numbers, nil)
      var value = CValue(type: type, place: .memory(found.address))
      if found.isPerCPU {
        value.obstacle = .perCPUVariable(name)
      } else if found.type == nil {
        value.obstacle = .untypedVariable(name)
      }
      return value
    }
    if let found = try attempt(
      syntax, { () throws(SymbolError) in try context.enumerator(named: name) })
    {
      return CValue(
        type: derivable(found.type), place: .number(UInt64(bitPattern: found.value)))
    }
    throw failure(syntax, .unknownName(name))
  }

  private func size(
    of type: TypeReference, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    guard let size = try attempt(syntax, { () throws(SymbolError) in try type.size() }) else {
      throw failure(syntax, .unfit("this type's size isn't known"))
    }
    return value(CNumber(size, size: 8, isSigned: false))
  }
}

/// The graph of what has no types of a program's.
private final class NoTypes: TypeGraph {
  func node(_ id: TypeID) throws(SymbolError) -> TypeNode { throw .unknownType(id.rawValue) }
}
