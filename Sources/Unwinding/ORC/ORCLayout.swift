/// Which bits of an ORC entry's last two bytes say what, and which number is which register. The
/// registers are bits 0–3 and 4–7 in all layouts; no entry tells which layout it has.
///
/// Sources: arch/x86/include/asm/orc_types.h and tools/objtool/orc_gen.c of each version.
public enum ORCLayout: String, Hashable, Sendable, CaseIterable {
  /// Linux 4.14 to 6.2: `type:2, end:1`.
  ///
  ///     15         11 10  9 8  7    4 3    0
  ///     │ unused     │end│type│bp_reg│sp_reg│
  case endBit
  /// Linux 6.3 and stable kernels that took its change: `type:2, signal:1, end:1`.
  ///
  ///     15      12 11  10     9 8  7    4 3    0
  ///     │ unused  │end│signal│type│bp_reg│sp_reg│
  case signalAndEndBits
  /// Since Linux 6.4: `type:3, signal:1`; the end of a stack has become a type.
  ///
  ///     15      12 11     10  8  7    4 3    0
  ///     │ unused  │signal│ type │bp_reg│sp_reg│
  case endType
  /// The bits of `endType`, but registers have other numbers, among them rax: 7.2's header has them.
  case renumbered

  /// The layout of a kernel whose `struct orc_entry` has a field `type` of `typeBits` bits and the
  /// named others; nil if that is none of the known ones. It doesn't tell `renumbered` from `endType`:
  /// ask the entries.
  public init?(typeBits: UInt64, hasSignal: Bool, hasEnd: Bool) {
    switch (typeBits, hasSignal, hasEnd) {
    case (2, false, true): self = .endBit
    case (2, true, true): self = .signalAndEndBits
    case (3, true, false): self = .endType
    default: return nil
    }
  }

  /// The layout that a table's own entries speak for, from their last two bytes; nil if there are
  /// none.
  ///
  /// Nearly all entries describe calls: type 2 since 6.4 and 0 before. Of the entries for interrupts
  /// (type 1 before 6.4), those of 6.3 have the bit `signal`, in whose place older ones have `end`,
  /// which no interrupt's frame is. Most frames count from rsp: 5, or 3 when renumbered, which was
  /// rdi before and hardly ever used.
  public init?(guessedFrom flags: some Sequence<UInt16>) {
    var calls = 0
    var callsOfEndType = 0
    var interrupts = 0
    var interruptsWithSignal = 0
    var fromThree = 0
    var fromFive = 0
    for flag in flags where flag & 15 != 0 {
      if flag & 15 == 3 { fromThree += 1 }
      if flag & 15 == 5 { fromFive += 1 }
      switch flag >> 8 & 7 {
      case 0: calls += 1
      case 1: interrupts += 1
      case 2: callsOfEndType += 1
      case 5: interruptsWithSignal += 1
      default: break
      }
    }
    guard calls > 0 || callsOfEndType > 0 else { return nil }
    if callsOfEndType > calls {
      self = fromThree > fromFive ? .renumbered : .endType
    } else {
      self = interruptsWithSignal > interrupts ? .signalAndEndBits : .endBit
    }
  }

  /// The entry with these offsets and flags, the `index`th of its table. Throws `.orcEntry` if it
  /// names a register or a type that doesn't exist.
  func entry(
    stackOffset: Int16, frameOffset: Int16, flags: UInt16, index: UInt64
  ) throws(UnwindError) -> ORCEntry {
    let numbers = self == .renumbered ? Self.newNumbers : Self.oldNumbers
    guard let stackBase = numbers[Int(flags & 15)], let frameBase = numbers[Int(flags >> 4 & 15)],
      let kind = kind(flags, stackBase)
    else { throw .orcEntry(flags: flags, entry: index) }
    return ORCEntry(
      stackBase: stackBase, stackOffset: stackOffset, frameBase: frameBase,
      frameOffset: frameOffset, kind: kind, isSignal: isSignal(flags, kind))
  }

  /// `ORC_REG_*` up to 7.1. rax came last, for code of Clang's, and into stable kernels of 2026.
  private static let oldNumbers: [ORCEntry.Base?] =
    [
      .undefined, .previousStackPointer, .rdx, .rdi, .rbp, .rsp, .r10, .r13, .rbpIndirect,
      .rspIndirect, .rax,
    ] + Array(repeating: nil, count: 5)
  /// `ORC_REG_*` in 7.2.
  private static let newNumbers: [ORCEntry.Base?] =
    [
      .undefined, .rax, .rdx, .rsp, .rbp, .rdi, .r10, .r13, .previousStackPointer, .rspIndirect,
      .rbpIndirect,
    ] + Array(repeating: nil, count: 5)

  private func kind(_ flags: UInt16, _ stackBase: ORCEntry.Base) -> ORCEntry.Kind? {
    switch self {
    case .endBit, .signalAndEndBits:
      if stackBase == .undefined {
        let end: UInt16 = self == .endBit ? 1 << 10 : 1 << 11
        return flags & end != 0 ? .endOfStack : .undefined
      }
      switch flags >> 8 & 3 {
      case 0: return .call
      case 1: return .registers
      case 2: return .partialRegisters
      default: return nil
      }
    case .endType, .renumbered:
      switch flags >> 8 & 7 {
      case 0: return .undefined
      case 1: return .endOfStack
      case 2: return .call
      case 3: return .registers
      case 4: return .partialRegisters
      default: return nil
      }
    }
  }

  private func isSignal(_ flags: UInt16, _ kind: ORCEntry.Kind) -> Bool {
    switch self {
    case .endBit: kind == .registers || kind == .partialRegisters
    case .signalAndEndBits: flags & 1 << 10 != 0
    case .endType, .renumbered: flags & 1 << 11 != 0
    }
  }
}
