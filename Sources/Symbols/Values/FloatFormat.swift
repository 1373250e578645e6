/// The layout of a binary floating-point number, for printing in decimal. From the low end:
///
///     | fraction: fractionBits | exponent: exponentBits | sign: 1 |
///
/// x87's extended format stores the mantissa's leading one as the topmost bit of the fraction; the
/// others imply it.
struct FloatFormat: Hashable, Sendable {
  let fractionBits: UInt64
  let exponentBits: UInt64
  let hasStoredLeadingBit: Bool

  static let half = FloatFormat(fractionBits: 10, exponentBits: 5, hasStoredLeadingBit: false)
  static let brain = FloatFormat(fractionBits: 7, exponentBits: 8, hasStoredLeadingBit: false)
  static let single = FloatFormat(fractionBits: 23, exponentBits: 8, hasStoredLeadingBit: false)
  static let double = FloatFormat(fractionBits: 52, exponentBits: 11, hasStoredLeadingBit: false)
  static let x87 = FloatFormat(fractionBits: 64, exponentBits: 15, hasStoredLeadingBit: true)
  static let quadruple = FloatFormat(
    fractionBits: 112, exponentBits: 15, hasStoredLeadingBit: false)

  /// Bits of precision, the leading one included.
  private var precision: UInt64 { fractionBits + (hasStoredLeadingBit ? 0 : 1) }

  /// How many significant digits gdb prints: enough to tell any two numbers of the format apart.
  /// 9 for single, 17 for double, 21 for x87, 36 for quadruple precision.
  private var digits: Int { Int(2 + precision * 30103 / 100000) }

  /// The number in `bits` as gdb prints it: like C's `%g` with `digits` digits; `nan(0x8…)` with
  /// the fraction's bits; `inf`.
  func text(_ bits: UInt128) -> String {
    let fraction = bits & (1 << UInt128(fractionBits) - 1)
    let exponentLimit = (1 as UInt64) << exponentBits - 1
    let exponent = UInt64(truncatingIfNeeded: bits >> UInt128(fractionBits)) & exponentLimit
    let sign = bits >> UInt128(fractionBits + exponentBits) & 1 == 1 ? "-" : ""

    if exponent == exponentLimit {
      let leadingBit: UInt128 = hasStoredLeadingBit ? 1 << UInt128(fractionBits - 1) : 0
      if fraction & ~leadingBit == 0 { return sign + "inf" }
      return sign + "nan(0x" + String(fraction, radix: 16) + ")"
    }
    // A zero exponent means that no leading one is implied; its scale is that of exponent 1.
    let isImplied = !hasStoredLeadingBit && exponent != 0
    let mantissa = fraction | (isImplied ? 1 << UInt128(fractionBits) : 0)
    let scale =
      Int(max(exponent, 1)) - Int(exponentLimit / 2)
      - Int(fractionBits) + (hasStoredLeadingBit ? 1 : 0)
    return sign + decimal(mantissa: mantissa, scale: scale)
  }

  /// mantissa · 2^scale like C's `%g`.
  private func decimal(mantissa: UInt128, scale: Int) -> String {
    guard mantissa != 0 else { return "0" }
    var number = BigDecimal(mantissa)
    // m · 2⁻ᵏ = m · 5ᵏ / 10ᵏ: the digits of an integer, and a place for the point.
    if scale >= 0 {
      number.multiply(by: 2, timesOver: scale)
    } else {
      number.multiply(by: 5, timesOver: -scale)
    }
    let (significant, magnitude) = number.rounded(to: digits)
    let exponent = magnitude + min(scale, 0)
    return Self.general(significant, exponent: exponent, precision: digits)
  }

  /// C's `%g` rule: positional for exponents from -4 to below the precision, else scientific;
  /// `significant` holds no trailing zeros.
  private static func general(_ significant: [UInt8], exponent: Int, precision: Int) -> String {
    let digits = significant.map { String($0) }.joined()
    if exponent < -4 || exponent >= precision {
      let point = significant.count > 1 ? "." : ""
      let magnitude = String(abs(exponent))
      return String(digits.prefix(1)) + point + digits.dropFirst()
        + (exponent < 0 ? "e-" : "e+") + (magnitude.count < 2 ? "0" : "") + magnitude
    }
    if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits }
    if significant.count <= exponent + 1 {
      return digits + String(repeating: "0", count: exponent + 1 - significant.count)
    }
    return String(digits.prefix(exponent + 1)) + "." + digits.dropFirst(exponent + 1)
  }
}

/// A natural number of any size, kept in decimal.
private struct BigDecimal {
  /// Nine digits each, the lowest first.
  private var limbs: [UInt32] = []

  private static let base: UInt64 = 1_000_000_000

  init(_ value: UInt128) {
    var rest = value
    while rest != 0 {
      limbs.append(UInt32(rest % UInt128(Self.base)))
      rest /= UInt128(Self.base)
    }
  }

  /// Multiplies by `factor` (2 or 5) to the power of `count`.
  mutating func multiply(by factor: UInt64, timesOver count: Int) {
    // The largest power whose product with a limb and a carry still fits in 64 bits.
    let step = factor == 2 ? 29 : 13
    var rest = count
    while rest > 0 {
      let taken = min(rest, step)
      multiply(by: (0..<taken).reduce(UInt64(1)) { power, _ in power * factor })
      rest -= taken
    }
  }

  private mutating func multiply(by factor: UInt64) {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let product = UInt64(limbs[index]) * factor + carry
      limbs[index] = UInt32(product % Self.base)
      carry = product / Self.base
    }
    while carry != 0 {
      limbs.append(UInt32(carry % Self.base))
      carry /= Self.base
    }
  }

  /// The first `count` digits, rounded (a tie goes to the even digit), without trailing zeros; and
  /// the first digit's power of ten.
  func rounded(to count: Int) -> (digits: [UInt8], magnitude: Int) {
    var digits = allDigits()
    var magnitude = digits.count - 1
    if digits.count > count {
      let next = digits[count]
      let isTie = next == 5 && digits[(count + 1)...].allSatisfy { $0 == 0 }
      let roundsUp = isTie ? digits[count - 1] % 2 == 1 : next >= 5
      digits.removeSubrange(count...)
      if roundsUp {
        while digits.last == 9 { digits.removeLast() }
        if digits.isEmpty {
          digits = [1]
          magnitude += 1
        } else {
          digits[digits.count - 1] += 1
        }
      }
    }
    while digits.count > 1, digits.last == 0 { digits.removeLast() }
    return (digits, magnitude)
  }

  private func allDigits() -> [UInt8] {
    var digits: [UInt8] = []
    digits.reserveCapacity(limbs.count * 9)
    for limb in limbs.reversed() {
      var power: UInt32 = 100_000_000
      while power > 0 {
        let digit = UInt8(limb / power % 10)
        if digit != 0 || !digits.isEmpty { digits.append(digit) }
        power /= 10
      }
    }
    return digits
  }
}
