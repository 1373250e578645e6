import Bytes

/// Carries out the instructions of a CIE and an FDE (DWARF 5, section 6.4.2), row by row.
struct CFIProgram {
  /// Real programs nest two or three states.
  static let savedStateLimit = 64
  /// All registers of AArch64 with SVE are fewer.
  static let ruleLimit = 160

  private let reader: CFIReader
  private let description: FrameDescription
  private var cursor: EntryCursor
  private var state = State()
  private var saved: [State] = []
  /// The rules that `DW_CFA_restore` goes back to; nil while the CIE's instructions run.
  private var initialRules: RegisterRules?
  /// Where the current row begins.
  private(set) var location: UInt64

  private struct State {
    var cfa: CFARule?
    var rules = RegisterRules()
    var isReturnAddressSigned = false
  }

  /// Carries out the CIE's instructions.
  init(_ description: FrameDescription, _ reader: CFIReader) throws(UnwindError) {
    self.reader = reader
    self.description = description
    location = description.start
    let cie = description.cie
    cursor = reader.cursor(cie.instructions, entry: cie.offset)
    // A CIE has no locations; an advance there has no row to begin.
    while try nextLocation() != nil {}
    initialRules = state.rules
    cursor = reader.cursor(description.instructions, entry: description.offset)
  }

  /// The row for `address`, which must lie in the FDE.
  mutating func row(at address: VirtualAddress) throws(UnwindError) -> UnwindRow {
    while let next = try nextLocation(), next <= address.rawValue { location = next }
    return try currentRow()
  }

  /// The rows in turn with their first addresses; nil after the last.
  mutating func nextRow() throws(UnwindError) -> (address: UInt64, row: UnwindRow)? {
    guard !isFinished else { return nil }
    let next = try nextLocation()
    let result = (location, try currentRow())
    if let next { location = next } else { isFinished = true }
    return result
  }
  private var isFinished = false

  private func currentRow() throws(UnwindError) -> UnwindRow {
    guard let cfa = state.cfa else { throw .cfaUndefined(entry: description.offset) }
    return UnwindRow(
      cfa: cfa, rules: state.rules, returnAddress: description.cie.returnAddress,
      isSignalFrame: description.cie.isSignalFrame,
      isReturnAddressSigned: state.isReturnAddressSigned,
      evidence: reader.section.kind == .ehFrame ? .ehFrame : .debugFrame)
  }

  /// Carries out instructions up to one that ends the row; gives where the next row begins, or nil
  /// at the end.
  private mutating func nextLocation() throws(UnwindError) -> UInt64? {
    while !cursor.isAtEnd {
      let opcode = try cursor.read(UInt8.self)
      let operand = opcode & 0x3f
      switch opcode & 0xc0 {
      case 0x40: return try advanced(by: UInt64(operand))
      case 0x80:
        try set(
          RegisterNumber(UInt16(operand)), .atCFAOffset(try factored(try cursor.readULEB128())))
      case 0xc0: try restore(RegisterNumber(UInt16(operand)), opcode)
      default:
        if let instruction = Instruction(rawValue: opcode) {
          if let next = try execute(instruction) { return next }
        } else {
          throw .unknownInstruction(opcode, entry: cursor.entry)
        }
      }
    }
    return nil
  }
}

extension CFIProgram {
  /// The instructions whose operands don't share the opcode's byte (DWARF 5, table 7.29; the
  /// vendors' from binutils' include/dwarf2.def and AADWARF64, section 4.7).
  private enum Instruction: UInt8 {
    case nop = 0x00
    case setLoc = 0x01
    case advanceLoc1 = 0x02
    case advanceLoc2 = 0x03
    case advanceLoc4 = 0x04
    case offsetExtended = 0x05
    case restoreExtended = 0x06
    case undefined = 0x07
    case sameValue = 0x08
    case register = 0x09
    case rememberState = 0x0a
    case restoreState = 0x0b
    case defCFA = 0x0c
    case defCFARegister = 0x0d
    case defCFAOffset = 0x0e
    case defCFAExpression = 0x0f
    case expression = 0x10
    case offsetExtendedSF = 0x11
    case defCFASF = 0x12
    case defCFAOffsetSF = 0x13
    case valOffset = 0x14
    case valOffsetSF = 0x15
    case valExpression = 0x16
    case mipsAdvanceLoc8 = 0x1d
    /// `DW_CFA_GNU_window_save` is SPARC's.
    case aarch64NegateRAState = 0x2d
    case gnuArgsSize = 0x2e
    case gnuNegativeOffsetExtended = 0x2f
  }

  /// Carries out one instruction; gives the next row's location if it ends this one.
  private mutating func execute(_ instruction: Instruction) throws(UnwindError) -> UInt64? {
    switch instruction {
    case .nop: break
    case .gnuArgsSize: _ = try cursor.readULEB128()
    case .advanceLoc1: return try advanced(by: UInt64(try cursor.read(UInt8.self)))
    case .advanceLoc2: return try advanced(by: UInt64(try cursor.read(UInt16.self)))
    case .advanceLoc4: return try advanced(by: UInt64(try cursor.read(UInt32.self)))
    case .mipsAdvanceLoc8: return try advanced(by: try cursor.read(UInt64.self))
    case .setLoc:
      let space = reader.space(addressSize: description.cie.addressSize)
      return try cursor.readPointer(description.cie.pointerEncoding, in: space)
    case .rememberState:
      guard saved.count < Self.savedStateLimit else {
        throw .tooMany(limit: Self.savedStateLimit, entry: cursor.entry)
      }
      saved.append(state)
    case .restoreState:
      guard let last = saved.popLast() else { throw misplaced(instruction) }
      state = last
    case .aarch64NegateRAState:
      guard reader.architecture == .aarch64 else {
        throw .unknownInstruction(instruction.rawValue, entry: cursor.entry)
      }
      state.isReturnAddressSigned.toggle()
    case .defCFA, .defCFASF, .defCFARegister, .defCFAOffset, .defCFAOffsetSF, .defCFAExpression:
      try defineCFA(instruction)
    case .restoreExtended: try restore(try cursor.readRegister(), instruction.rawValue)
    case .undefined, .sameValue, .register, .offsetExtended, .offsetExtendedSF, .valOffset,
      .valOffsetSF, .expression, .valExpression, .gnuNegativeOffsetExtended:
      try set(try cursor.readRegister(), try readRule(instruction))
    }
    return nil
  }

  private mutating func defineCFA(_ instruction: Instruction) throws(UnwindError) {
    switch instruction {
    case .defCFA:
      state.cfa = .registerOffset(
        try cursor.readRegister(), try plain(try cursor.readULEB128()))
    case .defCFASF:
      state.cfa = .registerOffset(
        try cursor.readRegister(), try factored(try cursor.readSLEB128()))
    case .defCFAExpression:
      state.cfa = .expression(try readExpression())
    default:
      guard case .registerOffset(let register, let offset) = state.cfa else {
        throw misplaced(instruction)
      }
      switch instruction {
      case .defCFARegister: state.cfa = .registerOffset(try cursor.readRegister(), offset)
      case .defCFAOffset:
        state.cfa = .registerOffset(register, try plain(try cursor.readULEB128()))
      default: state.cfa = .registerOffset(register, try factored(try cursor.readSLEB128()))
      }
    }
  }

  /// The rule that follows the register's number.
  private mutating func readRule(_ instruction: Instruction) throws(UnwindError) -> RegisterRule {
    switch instruction {
    case .undefined: return .undefined
    case .sameValue: return .sameValue
    case .register: return .register(try cursor.readRegister())
    case .offsetExtendedSF: return .atCFAOffset(try factored(try cursor.readSLEB128()))
    case .valOffset: return .valueCFAOffset(try factored(try cursor.readULEB128()))
    case .valOffsetSF: return .valueCFAOffset(try factored(try cursor.readSLEB128()))
    case .expression: return .atExpression(try readExpression())
    case .valExpression: return .valueExpression(try readExpression())
    case .gnuNegativeOffsetExtended:
      let (negated, overflow) = Int64(0).subtractingReportingOverflow(
        try factored(try cursor.readULEB128()))
      if overflow { throw .overflow(entry: cursor.entry) }
      return .atCFAOffset(negated)
    default: return .atCFAOffset(try factored(try cursor.readULEB128()))
    }
  }

  private mutating func readExpression() throws(UnwindError) -> [DWARFOperation] {
    let bytes = try cursor.readBytes(try cursor.readULEB128())
    do throws(ExpressionError) {
      return try DWARFExpression.decode(
        bytes, addressSize: description.cie.addressSize, order: reader.section.order)
    } catch {
      throw .expression(error)
    }
  }

  private mutating func set(
    _ register: RegisterNumber, _ rule: RegisterRule
  ) throws(UnwindError) {
    state.rules[register] = rule
    guard state.rules.entries.count <= Self.ruleLimit else {
      throw .tooMany(limit: Self.ruleLimit, entry: cursor.entry)
    }
  }

  private mutating func restore(
    _ register: RegisterNumber, _ opcode: UInt8
  ) throws(UnwindError) {
    guard let initialRules else { throw .misplacedInstruction(opcode, entry: cursor.entry) }
    state.rules[register] = initialRules[register]
  }

  private func advanced(by count: UInt64) throws(UnwindError) -> UInt64 {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: description.cie.codeAlignment)
    let (next, overflow2) = location.addingReportingOverflow(bytes)
    if overflow || overflow2 { throw .overflow(entry: cursor.entry) }
    return next
  }

  private func factored(_ operand: UInt64) throws(UnwindError) -> Int64 {
    try factored(try plain(operand))
  }

  private func factored(_ operand: Int64) throws(UnwindError) -> Int64 {
    let (product, overflow) = operand.multipliedReportingOverflow(by: description.cie.dataAlignment)
    if overflow { throw .overflow(entry: cursor.entry) }
    return product
  }

  private func plain(_ operand: UInt64) throws(UnwindError) -> Int64 {
    guard let number = Int64(exactly: operand) else { throw .overflow(entry: cursor.entry) }
    return number
  }

  private func misplaced(_ instruction: Instruction) -> UnwindError {
    .misplacedInstruction(instruction.rawValue, entry: cursor.entry)
  }
}
