import Bytes

// Arithmetic.
extension CEvaluation {
  /// The integer, enumeration or pointer that `value` is.
  func number(_ value: CValue, at syntax: CSyntax) throws(CExpressionError) -> CNumber {
    let value = try qualified(value, at: syntax)
    let size: UInt64
    var isSigned = false
    switch try node(value.type, at: syntax) {
    case .base(_, let encoding, let bytes)
    where (1...8).contains(bytes) && encoding != .float && encoding != .complexFloat:
      size = bytes
      isSigned = encoding == .signed || encoding == .signedCharacter
    case .enumeration(let enumeration) where (1...8).contains(enumeration.size):
      size = enumeration.size
      isSigned = enumeration.isSigned
    case .pointer(_, let bytes) where bytes == 8: size = bytes
    default:
      throw failure(
        syntax, .unfit("\(try name(value.type, at: syntax)) is no integer and no pointer"))
    }
    switch value.place {
    case .number(let bits): return CNumber(bits, size: size, isSigned: isSigned)
    case .memory(let address):
      let bytes = try read(address, size, at: syntax)
      return CNumber(
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }, size: size, isSigned: isSigned)
    case .bitField(let address, let bitOffset, let bitSize):
      return try bits(
        address, bitOffset, bitSize, size: size, isSigned: isSigned, at: syntax)
    }
  }

  /// At most 64 bits, in at most nine bytes.
  private func bits(
    _ address: VirtualAddress, _ bitOffset: UInt64, _ bitSize: UInt64, size: UInt64,
    isSigned: Bool, at syntax: CSyntax
  ) throws(CExpressionError) -> CNumber {
    guard bitSize >= 1, bitSize <= size * 8 else {
      throw failure(syntax, .unfit("a bit field of \(bitSize) bits can't be read"))
    }
    let first = bitOffset % 8
    let bytes = try read(address &+ bitOffset / 8, (first + bitSize + 7) / 8, at: syntax)
    let all = bytes.reversed().reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    let unused = 64 - bitSize
    let high = UInt64(truncatingIfNeeded: all >> UInt128(first)) << unused
    let bits =
      isSigned ? UInt64(bitPattern: Int64(bitPattern: high) >> Int64(unused)) : high >> unused
    return CNumber(bits, size: size, isSigned: isSigned)
  }

  private func read(
    _ address: VirtualAddress, _ count: UInt64, at syntax: CSyntax
  ) throws(CExpressionError) -> [UInt8] {
    do throws(MemoryFault) {
      return try context.memory.read(address, count: count).copy()
    } catch {
      throw failure(syntax, .memory(error))
    }
  }

  mutating func isTrue(_ syntax: CSyntax) throws(CExpressionError) -> Bool {
    try number(try decayed(try evaluate(syntax), at: syntax), at: syntax).bits != 0
  }

  // MARK: Operators

  mutating func unary(
    _ symbol: String, _ operand: CValue, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    let number = try number(try decayed(operand, at: syntax), at: syntax)
    if symbol == "!" { return value(CNumber.truth(number.bits == 0)) }
    let promoted = number.promoted
    let bits: UInt64
    switch symbol {
    case "-": bits = 0 &- promoted.bits
    case "~": bits = ~promoted.bits
    default: bits = promoted.bits
    }
    return value(CNumber(bits, size: promoted.size, isSigned: promoted.isSigned))
  }

  mutating func binary(
    _ symbol: String, _ left: CSyntax, _ right: CSyntax, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    switch symbol {
    case "&&":
      guard try isTrue(left) else { return value(.truth(false)) }
      return value(.truth(try isTrue(right)))
    case "||":
      guard try !isTrue(left) else { return value(.truth(true)) }
      return value(.truth(try isTrue(right)))
    case "+", "-":
      return try add(
        try qualified(try evaluate(left), at: left), try qualified(try evaluate(right), at: right),
        symbol, at: syntax)
    default:
      let a = try number(try decayed(try evaluate(left), at: left), at: left)
      let b = try number(try decayed(try evaluate(right), at: right), at: right)
      return try combine(symbol, a, b, at: syntax)
    }
  }

  private func combine(
    _ symbol: String, _ left: CNumber, _ right: CNumber, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    switch CNumber.combine(symbol, left, right) {
    case .success(let number): return value(number)
    case .failure(let error): throw failure(syntax, .arithmetic(error.reason))
    }
  }

  /// `+` and `-`; pointers count in units of what they lead to.
  mutating func add(
    _ left: CValue, _ right: CValue, _ symbol: String, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    var (left, right) = (try decayed(left, at: syntax), try decayed(right, at: syntax))
    if symbol == "+", try pointee(of: right, at: syntax) != nil {
      (left, right) = (right, left)
    }
    let (a, b) = (try number(left, at: syntax), try number(right, at: syntax))
    guard let target = try pointee(of: left, at: syntax) else {
      guard try pointee(of: right, at: syntax) == nil else {
        throw failure(syntax, .unfit("a number minus a pointer"))
      }
      return try combine(symbol, a, b, at: syntax)
    }
    let unit = try unit(of: target, at: syntax)
    if try pointee(of: right, at: syntax) != nil {
      guard symbol == "-" else { throw failure(syntax, .unfit("pointers can't be added")) }
      guard unit != 0, unit <= UInt64(Int64.max) else {
        throw failure(syntax, .arithmetic("what the pointers lead to has no size"))
      }
      let distance = Int64(bitPattern: a.bits &- b.bits) / Int64(unit)
      return value(CNumber(UInt64(bitPattern: distance), size: 8, isSigned: true))
    }
    let distance = b.bits &* unit
    return CValue(
      type: left.type,
      place: .number(symbol == "+" ? a.bits &+ distance : a.bits &- distance))
  }

  /// What a pointer to `type` counts in; GNU C counts `void` and functions in bytes.
  private func unit(
    of type: TypeReference, at syntax: CSyntax
  ) throws(CExpressionError) -> UInt64 {
    switch try node(type, at: syntax) {
    case nil, .function: return 1
    default: break
    }
    guard let size = try attempt(syntax, { () throws(SymbolError) in try type.size() }) else {
      throw failure(
        syntax, .unfit("\(try name(type, at: syntax)) has no known size to count in"))
    }
    return size
  }

  // MARK: Casts

  mutating func cast(
    _ operand: CSyntax, to type: TypeReference, at syntax: CSyntax
  ) throws(CExpressionError) -> CValue {
    let value = try qualified(try evaluate(operand), at: operand)
    let number = try number(try decayed(value, at: operand), at: operand)
    switch try node(type, at: syntax) {
    case .pointer: return CValue(type: type, place: .number(number.bits))
    case .base(_, .boolean, _):
      return CValue(type: type, place: .number(number.bits == 0 ? 0 : 1))
    case .base(_, let encoding, let size)
    where size <= 8 && encoding != .float && encoding != .complexFloat:
      let isSigned = encoding == .signed || encoding == .signedCharacter
      let cut = CNumber(number.bits, size: size, isSigned: isSigned)
      return CValue(type: type, place: .number(cut.bits))
    case .enumeration: return CValue(type: type, place: .number(number.bits))
    default:
      throw failure(
        syntax,
        .unfit(
          "nothing can be cast to \(try name(type, at: syntax)): *(\(try name(type, at: syntax)) *)"
            + " shows what lies at an address"))
    }
  }
}
