import Bytes

// Members, pointers and what they lead to.
extension CEvaluation {
  func find(
    _ path: String, in type: TypeReference, at syntax: CSyntax
  ) throws(CExpressionError) -> MemberReference {
    try attempt(syntax) { () throws(SymbolError) in try type.member(named: path) }
  }

  /// `.` of a pointer and `->` of a record are understood as well, as gdb does.
  mutating func member(
    _ name: String, of record: CSyntax, isArrow: Bool, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    var value = try qualified(try evaluate(record), at: record)
    var follows = try isPointer(value, at: syntax)
    if isArrow, !follows { follows = try pointee(of: value, at: syntax) != nil }
    if follows { value = try dereference(value, at: syntax) }
    let member = try find(name, in: value.type, at: syntax)
    guard case .memory(let address) = value.place else {
      throw failure(syntax, .unfit("a member of what isn't in memory"))
    }
    let type = derivable(member.type)
    if let bitSize = member.bitSize {
      return CValue(
        type: type,
        place: .bitField(address, bitOffset: member.bitOffset, bitSize: bitSize))
    }
    return CValue(type: type, place: .memory(address &+ member.byteOffset))
  }

  private func isPointer(_ value: CValue, at syntax: CSyntax) throws(CExpressionError) -> Bool {
    guard case .pointer = try node(value.type, at: syntax) else { return false }
    return true
  }

  func node(_ type: TypeReference, at syntax: CSyntax) throws(CExpressionError) -> TypeNode? {
    try attempt(syntax) { () throws(SymbolError) in try type.stripped().node() }
  }

  /// What a pointer refers to or an array consists of; nil for other types.
  func pointee(
    of value: CValue, at syntax: CSyntax
  ) throws(CExpressionError) -> TypeReference? {
    try attempt(syntax) { () throws(SymbolError) in try value.type.target() }
  }

  /// What a pointer leads to. A function is what leads to it.
  mutating func dereference(
    _ value: CValue, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    let value = try decayed(try qualified(value, at: syntax), at: syntax)
    guard let target = try pointee(of: value, at: syntax) else {
      throw failure(syntax, .unfit("\(try name(value.type, at: syntax)) is no pointer"))
    }
    guard target.id != nil else {
      throw failure(syntax, .unfit("void has no value: cast the pointer first"))
    }
    let address = VirtualAddress(try number(value, at: syntax).bits)
    return CValue(type: target, place: .memory(address))
  }

  mutating func address(
    of value: CValue, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    guard case .memory(let address) = value.place else {
      throw failure(syntax, .unfit("only what is in memory, and no bit field, has an address"))
    }
    return CValue(type: pointer(to: value.type), place: .number(address.rawValue))
  }

  /// An array as the pointer to its first element, a function as the pointer to it; all else as it
  /// is.
  mutating func decayed(_ value: CValue, at syntax: CSyntax) throws(CExpressionError) -> CValue {
    guard case .memory(let address) = value.place else { return value }
    switch try node(value.type, at: syntax) {
    case .array(let element, let dimensions, let isVector) where !isVector:
      let inner = dimensions.dropFirst()
      var type = TypeReference(graph(of: value.type), element)
      for dimension in inner.reversed() {
        type = graph(of: type).array(of: type.id, count: dimension.count ?? 0)
      }
      return CValue(type: pointer(to: type), place: .number(address.rawValue))
    case .function:
      return CValue(type: pointer(to: value.type), place: .number(address.rawValue))
    default: return value
    }
  }

  /// `container_of`: the record whose member `path` `pointer` leads to, as a pointer.
  mutating func container(
    _ pointer: CSyntax, _ type: TypeReference, _ path: String, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    let member = try find(path, in: type, at: syntax)
    let value = try qualified(try evaluate(pointer), at: pointer)
    let number = try number(try decayed(value, at: pointer), at: pointer)
    return CValue(
      type: self.pointer(to: type), place: .number(number.bits &- member.byteOffset))
  }

  /// The copy of `variable` that belongs to a CPU.
  mutating func perCPU(
    _ variable: CSyntax, _ cpu: CSyntax, isPointer: Bool, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    let number = try number(try qualified(try evaluate(cpu), at: cpu), at: cpu)
    guard let offset = context.perCPUOffset(number.bits) else {
      throw failure(cpu, .unfit("there is no CPU \(number.bits)"))
    }
    var value = try evaluate(variable)
    if isPointer {
      value = try decayed(value, at: variable)
      let address = try self.number(value, at: variable).bits
      return CValue(type: value.type, place: .number(address &+ offset))
    }
    guard case .memory(let address) = value.place else {
      throw failure(variable, .unfit("per_cpu is for variables, per_cpu_ptr for pointers"))
    }
    let isTyped = value.type.id != nil
    return CValue(
      type: value.type, place: .memory(address &+ offset),
      obstacle: isTyped
        ? nil : .unfit("the variable's type isn't known; say it: *(struct x *)&per_cpu(…)"))
  }

  func name(_ type: TypeReference, at syntax: CSyntax) throws(CExpressionError) -> String {
    try attempt(syntax) { () throws(SymbolError) in
      try TypePrinter(graph: type.graph).name(of: type.id)
    }
  }
}
