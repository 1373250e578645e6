import Bytes

/// What an expression, or a part of it, stands for.
struct CValue {
  enum Place {
    case memory(VirtualAddress)
    /// Bits of the record at an address.
    case bitField(VirtualAddress, bitOffset: UInt64, bitSize: UInt64)
    /// A number in 64 bits, extended by its sign if it has one.
    case number(UInt64)
  }

  /// In a `DerivedTypes`. What it says of variables that nothing tells the type of is void.
  let type: TypeReference
  let place: Place
  /// Set for a variable that must be qualified before it has a value: why.
  var obstacle: CExpressionError.Reason?

  init(type: TypeReference, place: Place, obstacle: CExpressionError.Reason? = nil) {
    self.type = type
    self.place = place
    self.obstacle = obstacle
  }
}

/// An integer or a pointer, with C's idea of it.
struct CNumber {
  /// Extended to 64 bits by its sign if it has one.
  var bits: UInt64
  var size: UInt64
  var isSigned: Bool

  init(_ bits: UInt64, size: UInt64, isSigned: Bool) {
    self.size = size
    self.isSigned = isSigned
    self.bits = Self.extended(bits, size: size, isSigned: isSigned)
  }

  /// `bits` cut to `size` bytes and extended again.
  static func extended(_ bits: UInt64, size: UInt64, isSigned: Bool) -> UInt64 {
    guard size < 8 else { return bits }
    let unused = 64 - 8 * size
    let high = bits << unused
    return isSigned ? UInt64(bitPattern: Int64(bitPattern: high) >> Int64(unused)) : high >> unused
  }

  /// The integer promotions (C17, 6.3.1.1): what is narrower than `int` becomes one.
  var promoted: CNumber { size < 4 ? CNumber(bits, size: 4, isSigned: true) : self }

  /// The type that both operands are brought to (C17, 6.3.1.8).
  static func common(_ left: CNumber, _ right: CNumber) -> (size: UInt64, isSigned: Bool) {
    let (left, right) = (left.promoted, right.promoted)
    let size = max(left.size, right.size)
    let isUnsigned =
      (left.size == size && !left.isSigned) || (right.size == size && !right.isSigned)
    return (size, !isUnsigned)
  }
}

extension CNumber {
  /// The result of an arithmetic or bit operator, or why it has none.
  static func combine(
    _ symbol: String, _ left: CNumber, _ right: CNumber
  ) -> Result<CNumber, CArithmeticError> {
    if symbol == "<<" || symbol == ">>" { return shift(symbol, left.promoted, right) }
    let (size, isSigned) = common(left, right)
    let a = CNumber(left.bits, size: size, isSigned: isSigned)
    let b = CNumber(right.bits, size: size, isSigned: isSigned)
    let (x, y) = (Int64(bitPattern: a.bits), Int64(bitPattern: b.bits))
    switch symbol {
    case "<": return .success(truth(isSigned ? x < y : a.bits < b.bits))
    case ">": return .success(truth(isSigned ? x > y : a.bits > b.bits))
    case "<=": return .success(truth(isSigned ? x <= y : a.bits <= b.bits))
    case ">=": return .success(truth(isSigned ? x >= y : a.bits >= b.bits))
    case "==": return .success(truth(a.bits == b.bits))
    case "!=": return .success(truth(a.bits != b.bits))
    case "/", "%":
      guard b.bits != 0 else { return .failure(CArithmeticError(reason: "division by zero")) }
    default: break
    }
    let bits: UInt64
    switch symbol {
    case "+": bits = a.bits &+ b.bits
    case "-": bits = a.bits &- b.bits
    case "*": bits = a.bits &* b.bits
    case "&": bits = a.bits & b.bits
    case "|": bits = a.bits | b.bits
    case "^": bits = a.bits ^ b.bits
    // The smallest number divided by -1 overflows; it wraps around as on other CPUs.
    case "/":
      bits =
        isSigned
        ? UInt64(bitPattern: x.dividedReportingOverflow(by: y).partialValue) : a.bits / b.bits
    case "%":
      bits =
        isSigned
        ? UInt64(bitPattern: x.remainderReportingOverflow(dividingBy: y).partialValue)
        : a.bits % b.bits
    default: return .failure(CArithmeticError(reason: "\(symbol) isn't for numbers"))
    }
    return .success(CNumber(bits, size: size, isSigned: isSigned))
  }

  private static func shift(
    _ symbol: String, _ left: CNumber, _ right: CNumber
  ) -> Result<CNumber, CArithmeticError> {
    guard right.bits < left.size * 8 else {
      return .failure(CArithmeticError(reason: "shift by more bits than there are"))
    }
    let bits: UInt64
    if symbol == "<<" {
      bits = left.bits << right.bits
    } else if left.isSigned {
      bits = UInt64(bitPattern: Int64(bitPattern: left.bits) >> Int64(right.bits))
    } else {
      bits = left.bits >> right.bits
    }
    return .success(CNumber(bits, size: left.size, isSigned: left.isSigned))
  }

  static func truth(_ value: Bool) -> CNumber { CNumber(value ? 1 : 0, size: 4, isSigned: true) }
}

/// Why two numbers can't be combined.
struct CArithmeticError: Error {
  let reason: String
}
