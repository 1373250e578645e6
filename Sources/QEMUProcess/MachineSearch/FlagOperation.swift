/// The operation that set the condition codes last (`CCOp` in QEMU's target/i386/cpu.h).
public enum FlagOperation: Hashable, Sendable {
  /// None: all codes are in `cc_src`.
  case computed
  case adcx
  case adox
  case adcox
  /// The result is known to be 0 (up to 9.1).
  case cleared
  /// POPCNT, and which operand tells whether the result is 0: `cc_src` up to 9.0, then `cc_dst`.
  case populationCount(Operand)
  case arithmetic(Arithmetic, Width)

  public enum Operand: Hashable, Sendable {
    case source
    case destination
  }

  /// Operations that exist in four widths, in the order of their numbers in all releases.
  public enum Arithmetic: Int, CaseIterable, Hashable, Sendable {
    case multiply, add, addWithCarry, subtract, subtractWithBorrow, logic, increment, decrement
    case shiftLeft, shiftRight
    /// BLSMSK and BLSR (`BMILG`).
    case lowestBitMask
    /// BLSI, since 9.1.
    case lowestBit

    /// How `CCOp` calls it, without `CC_OP_` and the width.
    var name: String {
      switch self {
      case .multiply: "MUL"
      case .add: "ADD"
      case .addWithCarry: "ADC"
      case .subtract: "SUB"
      case .subtractWithBorrow: "SBB"
      case .logic: "LOGIC"
      case .increment: "INC"
      case .decrement: "DEC"
      case .shiftLeft: "SHL"
      case .shiftRight: "SAR"
      case .lowestBitMask: "BMILG"
      case .lowestBit: "BLSI"
      }
    }
  }

  /// How wide the operands are, in the order of the numbers.
  public enum Width: Int, CaseIterable, Hashable, Sendable {
    case byte, word, long, quad

    var bits: UInt64 { 8 << UInt64(rawValue) }
    var mask: UInt64 { .max >> (64 - bits) }
    var signBit: UInt64 { 1 << (bits - 1) }
    /// The letter in `CCOp`'s names.
    var letter: String { ["B", "W", "L", "Q"][rawValue] }
  }

  /// How a release numbers the operations.
  public enum Numbering: Hashable, Sendable, CaseIterable {
    /// Up to 9.0: `DYNAMIC`, `EFLAGS`, the arithmetic without BLSI, then the others.
    case original
    /// 9.1: `DYNAMIC`, `EFLAGS`, ADCX, ADOX, ADCOX, `CLR`, the arithmetic, POPCNT.
    case grouped
    /// Since 9.2: `EFLAGS`, ADCX, ADOX, ADCOX, the arithmetic, POPCNT, `DYNAMIC`.
    case aligned

    /// The numbering of the QEMU release `major.minor`.
    public init(major: Int, minor: Int) {
      if major < 9 || (major == 9 && minor == 0) {
        self = .original
      } else if major == 9, minor == 1 {
        self = .grouped
      } else {
        self = .aligned
      }
    }

    /// The number of `CC_OP_EFLAGS`.
    var computed: UInt32 { self == .aligned ? 0 : 1 }
    /// The number of `CC_OP_MULB`.
    var firstArithmetic: UInt32 {
      switch self {
      case .original: 2
      case .grouped: 6
      case .aligned: 4
      }
    }
  }

  /// The operation that has `number` (`cc_op`). Nil for `CC_OP_DYNAMIC`, which is never stored in a
  /// CPU, and for numbers that mean nothing.
  public init?(number: UInt32, _ numbering: Numbering) {
    let first = numbering.firstArithmetic
    let kinds = UInt32(Arithmetic.allCases.count) - (numbering == .original ? 1 : 0)
    if number == numbering.computed {
      self = .computed
    } else if number >= first, number < first + 4 * kinds,
      let arithmetic = Arithmetic(rawValue: Int(number - first) / 4),
      let width = Width(rawValue: Int(number - first) % 4)
    {
      self = .arithmetic(arithmetic, width)
    } else {
      switch (numbering, number) {
      case (.original, 46), (.grouped, 2), (.aligned, 1): self = .adcx
      case (.original, 47), (.grouped, 3), (.aligned, 2): self = .adox
      case (.original, 48), (.grouped, 4), (.aligned, 3): self = .adcox
      case (.original, 49), (.grouped, 5): self = .cleared
      case (.original, 50): self = .populationCount(.source)
      // Four numbers are kept for POPCNT; the one of the widest operand is used.
      case (.grouped, 57), (.aligned, 55): self = .populationCount(.destination)
      default: return nil
      }
    }
  }

  /// The operation that `CCOp` calls `name`, such as `CC_OP_ADDL`. `names` are all names of the
  /// enumeration: they tell which operand POPCNT leaves its result in. Nil for `CC_OP_DYNAMIC` and
  /// for unknown names.
  public init?(named name: String, among names: Set<String>) {
    let prefix = "CC_OP_"
    guard name.hasPrefix(prefix) else { return nil }
    switch name.dropFirst(prefix.count) {
    case "EFLAGS": self = .computed
    case "ADCX": self = .adcx
    case "ADOX": self = .adox
    case "ADCOX": self = .adcox
    case "CLR": self = .cleared
    case "POPCNT", "POPCNTQ__":
      // The reserved numbers came together with the change of operand.
      self = .populationCount(names.contains("CC_OP_POPCNTQ__") ? .destination : .source)
    case let rest:
      for arithmetic in Arithmetic.allCases where rest.hasPrefix(arithmetic.name) {
        for width in Width.allCases where rest == arithmetic.name + width.letter {
          self = .arithmetic(arithmetic, width)
          return
        }
      }
      return nil
    }
  }
}
