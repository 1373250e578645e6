/// The flags of an x86 CPU as QEMU's translator (TCG) leaves them: the condition codes aren't kept
/// in `eflags` but as the last operation that set them and its operands (target/i386/cpu.h, `CCOp`;
/// target/i386/tcg/cc_helper.c). This works them out as `cpu_compute_eflags` does.
public struct LazyFlags: Hashable, Sendable {
  /// `eflags`: all but the condition codes and DF.
  public var stored: UInt64
  public var operation: FlagOperation
  /// `cc_src`
  public var source: UInt64
  /// `cc_src2`
  public var source2: UInt64
  /// `cc_dst`
  public var destination: UInt64
  /// `df`: 1 or, for descending string instructions, -1.
  public var direction: Int32

  public init(
    stored: UInt64, operation: FlagOperation, source: UInt64, source2: UInt64, destination: UInt64,
    direction: Int32
  ) {
    self.stored = stored
    self.operation = operation
    self.source = source
    self.source2 = source2
    self.destination = destination
    self.direction = direction
  }

  /// RFLAGS, as the guest would see it.
  public var value: UInt64 {
    stored | conditionCodes | UInt64(UInt32(bitPattern: direction)) & Self.directionFlag
  }

  static let carry: UInt64 = 1 << 0
  static let parity: UInt64 = 1 << 2
  static let adjust: UInt64 = 1 << 4
  static let zero: UInt64 = 1 << 6
  static let sign: UInt64 = 1 << 7
  static let directionFlag: UInt64 = 1 << 10
  static let overflow: UInt64 = 1 << 11

  /// CF, PF, AF, ZF, SF and OF.
  public var conditionCodes: UInt64 {
    switch operation {
    case .computed: source
    // ADCX and ADOX set one flag each and leave the others as they are.
    case .adcx: source & ~Self.carry | Self.flag(Self.carry, destination & 1 != 0)
    case .adox: source & ~Self.overflow | Self.flag(Self.overflow, source2 & 1 != 0)
    case .adcox:
      source & ~(Self.carry | Self.overflow) | Self.flag(Self.carry, destination & 1 != 0)
        | Self.flag(Self.overflow, source2 & 1 != 0)
    case .cleared: Self.zero | Self.parity
    case .populationCount(.source): Self.flag(Self.zero, source == 0)
    case .populationCount(.destination): Self.flag(Self.zero, destination == 0)
    case .arithmetic(let arithmetic, let width): codes(of: arithmetic, width)
    }
  }

  private static func flag(_ mask: UInt64, _ isSet: Bool) -> UInt64 { isSet ? mask : 0 }

  private func codes(of arithmetic: FlagOperation.Arithmetic, _ width: FlagOperation.Width)
    -> UInt64
  {
    let mask = width.mask
    let top = width.signBit
    let result = destination & mask
    let operand = source & mask
    var codes = Self.flag(Self.zero, result == 0) | Self.flag(Self.sign, result & top != 0)
    let parity = Self.flag(Self.parity, UInt8(truncatingIfNeeded: result).nonzeroBitCount % 2 == 0)
    switch arithmetic {
    case .multiply:
      codes |= parity | Self.flag(Self.carry | Self.overflow, operand != 0)
    case .add, .addWithCarry:
      let carryIn = arithmetic == .add ? 0 : source2 & 1
      let other = (result &- operand &- carryIn) & mask
      let carries = carryIn == 1 ? result <= operand : result < operand
      codes |= parity | Self.flag(Self.carry, carries)
      codes |= (result ^ operand ^ other) & Self.adjust
      codes |= Self.flag(Self.overflow, ~(operand ^ other) & (operand ^ result) & top != 0)
    case .subtract, .subtractWithBorrow:
      let borrowIn = arithmetic == .subtract ? 0 : source2 & 1
      let first = (result &+ operand &+ borrowIn) & mask
      let borrows = borrowIn == 1 ? first <= operand : first < operand
      codes |= parity | Self.flag(Self.carry, borrows)
      codes |= (result ^ operand ^ first) & Self.adjust
      codes |= Self.flag(Self.overflow, (first ^ operand) & (first ^ result) & top != 0)
    case .logic:
      codes |= parity
    case .increment:
      codes |= parity | source & Self.carry | (result ^ (result &- 1) ^ 1) & Self.adjust
      codes |= Self.flag(Self.overflow, result == top)
    case .decrement:
      codes |= parity | source & Self.carry | (result ^ (result &+ 1) ^ 1) & Self.adjust
      codes |= Self.flag(Self.overflow, result == top - 1)
    case .shiftLeft:
      codes |= parity | Self.flag(Self.carry, operand & top != 0)
      codes |= Self.flag(Self.overflow, (operand ^ result) & top != 0)
    case .shiftRight:
      codes |= parity | source & Self.carry
      codes |= Self.flag(Self.overflow, (operand ^ result) & top != 0)
    case .lowestBitMask:
      codes |= Self.flag(Self.carry, operand == 0)
    case .lowestBit:
      codes |= Self.flag(Self.carry, operand != 0)
    }
    return codes
  }
}
