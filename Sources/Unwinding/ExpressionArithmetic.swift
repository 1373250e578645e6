/// Arithmetic on typed values (DWARF 5, sections 2.5.1.4 to 2.5.1.6).
///
/// The generic type has no sign: division, comparisons and `DW_OP_shra` take it as signed,
/// `DW_OP_mod` and `DW_OP_shr` as unsigned.
struct ExpressionArithmetic {
  /// Bytes of the generic type.
  let addressSize: UInt8
  /// The operation's, for errors.
  let offset: UInt64

  func unary(
    _ opcode: DWARFOpcode, _ value: ExpressionValue
  ) throws(ExpressionError) -> ExpressionValue {
    if value.type?.encoding == .float {
      guard opcode != .not else { throw .typeMismatch(offset: offset) }
      let isNegated = opcode == .neg
      return try withFloat(
        value, { isNegated ? -$0 : $0.magnitude }, { isNegated ? -$0 : $0.magnitude })
    }
    let number = try signed(value)
    return switch opcode {
    case .not: integer(~value.bits, value.type)
    case .neg: integer(UInt128(truncatingIfNeeded: 0 &- number), value.type)
    // The generic type counts as signed here, an unsigned one is its own absolute value.
    default:
      isUnsigned(value.type, generic: false)
        ? value : integer(UInt128(truncatingIfNeeded: number.magnitude), value.type)
    }
  }

  func binary(
    _ opcode: DWARFOpcode, _ left: ExpressionValue, _ right: ExpressionValue
  ) throws(ExpressionError) -> ExpressionValue {
    if [.shl, .shr, .shra].contains(opcode) { return try shifted(opcode, left, right) }
    guard left.type == right.type else { throw .typeMismatch(offset: offset) }
    if left.type?.encoding == .float { return try float(opcode, left, right) }
    guard left.isInteger else { throw .typeMismatch(offset: offset) }
    let (a, b) = (left.bits, right.bits)
    switch opcode {
    case .and: return integer(a & b, left.type)
    case .or: return integer(a | b, left.type)
    case .xor: return integer(a ^ b, left.type)
    case .plus: return integer(a &+ b, left.type)
    case .minus: return integer(a &- b, left.type)
    case .mul: return integer(a &* b, left.type)
    case .div, .mod: return try divided(opcode, left, right)
    default:
      let isTrue =
        isUnsigned(left.type, generic: false)
        ? compare(opcode, a, b) : compare(opcode, try signed(left), try signed(right))
      return ExpressionValue(isTrue ? 1 : 0)
    }
  }

  private func divided(
    _ opcode: DWARFOpcode, _ left: ExpressionValue, _ right: ExpressionValue
  ) throws(ExpressionError) -> ExpressionValue {
    guard right.bits != 0 else { throw .divisionByZero(offset: offset) }
    let isDivision = opcode == .div
    if isUnsigned(left.type, generic: !isDivision) {
      return integer(isDivision ? left.bits / right.bits : left.bits % right.bits, left.type)
    }
    // The least number divided by -1 wraps round to itself, as the other operations do.
    let (a, b) = (try signed(left), try signed(right))
    let result =
      isDivision
      ? a.dividedReportingOverflow(by: b).partialValue
      : a.remainderReportingOverflow(dividingBy: b).partialValue
    return integer(UInt128(truncatingIfNeeded: result), left.type)
  }

  private func shifted(
    _ opcode: DWARFOpcode, _ value: ExpressionValue, _ count: ExpressionValue
  ) throws(ExpressionError) -> ExpressionValue {
    guard value.isInteger, count.isInteger else { throw .typeMismatch(offset: offset) }
    // Swift's `<<` and `>>` shift everything out where the count is larger than the number.
    return switch opcode {
    case .shl: integer(value.bits << count.bits, value.type)
    case .shr: integer(value.bits >> count.bits, value.type)
    default: integer(UInt128(truncatingIfNeeded: try signed(value) >> count.bits), value.type)
    }
  }

  private func compare<Number: Comparable>(
    _ opcode: DWARFOpcode, _ a: Number, _ b: Number
  ) -> Bool {
    switch opcode {
    case .eq: a == b
    case .ne: a != b
    case .lt: a < b
    case .le: a <= b
    case .gt: a > b
    default: a >= b
    }
  }

  /// `bits` cut to the type's size.
  private func integer(_ bits: UInt128, _ type: ExpressionType?) -> ExpressionValue {
    ExpressionValue(bits: type == nil ? bits & genericMask : bits, type: type)
  }

  private var genericMask: UInt128 { (1 << (8 * UInt128(addressSize))) - 1 }

  private func isUnsigned(_ type: ExpressionType?, generic: Bool) -> Bool {
    type.map { $0.encoding != .signed } ?? generic
  }

  /// The value with the top bit of its type taken as the sign.
  private func signed(_ value: ExpressionValue) throws(ExpressionError) -> Int128 {
    guard value.isInteger else { throw .typeMismatch(offset: offset) }
    let unused = 128 - 8 * Int128(value.type?.size ?? addressSize)
    return Int128(truncatingIfNeeded: value.bits << unused) >> unused
  }
}

extension ExpressionValue {
  var isInteger: Bool {
    switch type?.encoding {
    case nil, .signed, .unsigned, .boolean, .address: true
    case .float, .other: false
    }
  }
}

// Floating point, and conversions.
extension ExpressionArithmetic {
  private func float(
    _ opcode: DWARFOpcode, _ left: ExpressionValue, _ right: ExpressionValue
  ) throws(ExpressionError) -> ExpressionValue {
    switch left.type?.size {
    case 4: try float(opcode, left, Float(bits: left.bits), Float(bits: right.bits))
    case 8: try float(opcode, left, Double(bits: left.bits), Double(bits: right.bits))
    default: throw unsupported(left)
    }
  }

  private func float<Number: StoredFloat>(
    _ opcode: DWARFOpcode, _ like: ExpressionValue, _ a: Number, _ b: Number
  ) throws(ExpressionError) -> ExpressionValue {
    switch opcode {
    case .plus: ExpressionValue(bits: (a + b).bits, type: like.type)
    case .minus: ExpressionValue(bits: (a - b).bits, type: like.type)
    case .mul: ExpressionValue(bits: (a * b).bits, type: like.type)
    case .div: ExpressionValue(bits: (a / b).bits, type: like.type)
    case .eq, .ne, .lt, .le, .gt, .ge: ExpressionValue(compare(opcode, a, b) ? 1 : 0)
    default: throw .typeMismatch(offset: offset)
    }
  }

  private func withFloat(
    _ value: ExpressionValue, _ single: (Float) -> Float, _ double: (Double) -> Double
  ) throws(ExpressionError) -> ExpressionValue {
    switch value.type?.size {
    case 4: ExpressionValue(bits: single(Float(bits: value.bits)).bits, type: value.type)
    case 8: ExpressionValue(bits: double(Double(bits: value.bits)).bits, type: value.type)
    default: throw unsupported(value)
    }
  }

  /// The same number as one of `type` (`DW_OP_convert`); nil is the generic type. A fraction is
  /// cut off; a number that has no place in an integer type has no defined result, and throws.
  func converted(
    _ value: ExpressionValue, to type: ExpressionType?
  ) throws(ExpressionError) -> ExpressionValue {
    if value.type?.encoding == .float {
      switch value.type?.size {
      case 4: return try converted(Float(bits: value.bits), to: type)
      case 8: return try converted(Double(bits: value.bits), to: type)
      default: throw unsupported(value)
      }
    }
    let isUnsigned = isUnsigned(value.type, generic: true)
    let number = try signed(value)
    guard let type, !ExpressionValue(bits: 0, type: type).isInteger else {
      return integer(isUnsigned ? value.bits : UInt128(truncatingIfNeeded: number), type)
    }
    switch (type.encoding, type.size) {
    case (.float, 4):
      let float = isUnsigned ? Float(value.bits) : Float(number)
      return ExpressionValue(bits: float.bits, type: type)
    case (.float, 8):
      let double = isUnsigned ? Double(value.bits) : Double(number)
      return ExpressionValue(bits: double.bits, type: type)
    default: throw .unsupportedType(type)
    }
  }

  private func converted(
    _ value: some StoredFloat, to type: ExpressionType?
  ) throws(ExpressionError) -> ExpressionValue {
    switch (type?.encoding, type?.size) {
    case (.float, 4): return ExpressionValue(bits: Float(value).bits, type: type)
    case (.float, 8): return ExpressionValue(bits: Double(value).bits, type: type)
    case (.float, _), (.other, _): throw unsupported(ExpressionValue(bits: 0, type: type))
    default:
      let whole = value.rounded(.towardZero)
      let bits =
        Int128(exactly: whole).map { UInt128(truncatingIfNeeded: $0) } ?? UInt128(exactly: whole)
      guard let bits else { throw .typeMismatch(offset: offset) }
      return integer(bits, type)
    }
  }

  /// The same bits as a value of `type` (`DW_OP_reinterpret`), which must have the same size.
  func reinterpreted(
    _ value: ExpressionValue, as type: ExpressionType?
  ) throws(ExpressionError) -> ExpressionValue {
    guard (value.type?.size ?? addressSize) == (type?.size ?? addressSize) else {
      throw .typeMismatch(offset: offset)
    }
    return ExpressionValue(bits: value.bits, type: type)
  }

  private func unsupported(_ value: ExpressionValue) -> ExpressionError {
    value.type.map { .unsupportedType($0) } ?? .typeMismatch(offset: offset)
  }
}

/// A floating-point format as the target stores it.
private protocol StoredFloat: BinaryFloatingPoint {
  init(bits: UInt128)
  var bits: UInt128 { get }
}

extension Float: StoredFloat {
  fileprivate init(bits: UInt128) { self.init(bitPattern: UInt32(truncatingIfNeeded: bits)) }
  fileprivate var bits: UInt128 { UInt128(bitPattern) }
}

extension Double: StoredFloat {
  fileprivate init(bits: UInt128) { self.init(bitPattern: UInt64(truncatingIfNeeded: bits)) }
  fileprivate var bits: UInt128 { UInt128(bitPattern) }
}
