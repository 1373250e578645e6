/// Lowering an entry to a row: what `unwind_next_frame` (arch/x86/kernel/unwind_orc.c) does with it.
extension ORCEntry {
  private static let rax = RegisterNumber(0)
  private static let rdx = RegisterNumber(1)
  private static let rdi = RegisterNumber(5)
  private static let rbp = RegisterNumber(6)
  private static let rsp = RegisterNumber(7)
  private static let r10 = RegisterNumber(10)
  private static let r13 = RegisterNumber(13)
  private static let rip = RegisterNumber(16)

  /// What a call may have changed without a word in the table: what the ABI preserves but for rbp.
  private static let untold: [(RegisterNumber, RegisterRule)] =
    [3, 12, 13, 14, 15].map { (RegisterNumber($0), .undefined) }

  /// The row; nil where the kernel knows none.
  ///
  /// The CFA is where the frame's own part of the stack ends: behind the return address, or behind
  /// the registers that entry code or the CPU saved. The entry's own address of those (its "previous
  /// SP") is where they begin.
  public var row: UnwindRow? {
    switch kind {
    case .undefined: nil
    case .endOfStack:
      UnwindRow(
        cfa: .registerOffset(Self.rsp, 8), rules: [(Self.rip, .undefined)],
        returnAddress: Self.rip, evidence: .orc)
    case .call:
      row(
        above: 0, rules: Self.untold + frameRule(below: 0) + [(Self.rip, .atCFAOffset(-8))])
    case .registers:
      row(
        above: PTRegisters.size,
        rules: PTRegisters.offsets.map {
          ($0.register, .atCFAOffset($0.offset - PTRegisters.size))
        } + (frameBase == .undefined ? [] : frameRule(below: PTRegisters.size)),
        codeSegment: PTRegisters.codeSegment - PTRegisters.size)
    case .partialRegisters:
      row(
        above: PTRegisters.interruptFrameSize,
        // The kernel takes what wasn't saved to be as it was.
        rules: frameRule(below: PTRegisters.interruptFrameSize)
          + PTRegisters.interruptFrameOffsets.map {
            ($0.register, .atCFAOffset($0.offset - PTRegisters.size))
          },
        codeSegment: PTRegisters.codeSegment - PTRegisters.size)
    }
  }

  private func row(
    above count: Int64, rules: [(RegisterNumber, RegisterRule)], codeSegment: Int64? = nil
  ) -> UnwindRow? {
    guard let cfa = cfa(above: count) else { return nil }
    var row = UnwindRow(
      cfa: cfa, rules: rules, returnAddress: Self.rip, isSignalFrame: isSignal, evidence: .orc)
    row.interruptedCodeSegment = codeSegment
    return row
  }

  /// `count` bytes above the previous SP. Only a rule that counts from rsp stays on the same stack
  /// for sure; the others are expressions, which may lead anywhere.
  private func cfa(above count: Int64) -> CFARule? {
    let offset = Int64(stackOffset)
    func expression(_ operations: DWARFOperation...) -> CFARule {
      .expression(operations + (count == 0 ? [] : [Self.plus(count)]))
    }
    switch stackBase {
    case .rsp: return .registerOffset(Self.rsp, offset + count)
    case .rbp: return expression(Self.register(Self.rbp, offset))
    // The kernel takes these registers as they are, whatever the offset.
    case .rax: return expression(Self.register(Self.rax, 0))
    case .rdx: return expression(Self.register(Self.rdx, 0))
    case .rdi: return expression(Self.register(Self.rdi, 0))
    case .r10: return expression(Self.register(Self.r10, 0))
    case .r13: return expression(Self.register(Self.r13, 0))
    case .rbpIndirect: return expression(Self.register(Self.rbp, offset), Self.load)
    case .rspIndirect:
      // Up to 5.11 the offset was added before the load, and only interrupts' frames were found so.
      // Since then (commit "x86/unwind/orc: Change REG_SP_INDIRECT") it's added after it, and only
      // calls from one stack to another are.
      return kind == .call
        ? expression(Self.register(Self.rsp, 0), Self.load, Self.plus(offset))
        : expression(Self.register(Self.rsp, offset), Self.load)
    case .undefined, .previousStackPointer: return nil
    }
  }

  /// Where rbp was saved, as the CFA lies `count` bytes above the previous SP.
  private func frameRule(below count: Int64) -> [(RegisterNumber, RegisterRule)] {
    switch frameBase {
    case .previousStackPointer: [(Self.rbp, .atCFAOffset(Int64(frameOffset) - count))]
    case .rbp: [(Self.rbp, .atExpression([Self.register(Self.rbp, Int64(frameOffset))]))]
    // It didn't change. What else there might be the kernel refuses.
    case .undefined: [(Self.rbp, .sameValue)]
    default: [(Self.rbp, .undefined)]
    }
  }

  private static let load = DWARFOperation(.deref, offset: 3)

  private static func register(_ register: RegisterNumber, _ offset: Int64) -> DWARFOperation {
    DWARFOperation(.breg(register.rawValue), UInt64(bitPattern: offset))
  }

  private static func plus(_ count: Int64) -> DWARFOperation {
    DWARFOperation(.plusUconst, UInt64(bitPattern: count))
  }
}
