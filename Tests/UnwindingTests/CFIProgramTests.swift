import Bytes
import TestWorlds
import Testing

@testable import Unwinding

/// Instructions after the CIE's `CFA = rsp + 8, rip at CFA − 8`, and the row they make at the end.
struct ProgramCase: Sendable, CustomTestStringConvertible {
  let name: String
  let instructions: [UInt8]
  let cfa: CFARule
  let rules: [UInt16: RegisterRule]

  init(
    _ name: String, _ instructions: [UInt8],
    cfa: CFARule = .registerOffset(RegisterNumber(7), 8), _ rules: [UInt16: RegisterRule] = [:]
  ) {
    self.name = name
    self.instructions = instructions
    self.cfa = cfa
    self.rules = rules
  }
  var testDescription: String { name }
}

struct BadProgramCase: Sendable, CustomTestStringConvertible {
  let name: String
  let instructions: [UInt8]
  let error: @Sendable (UInt64) -> UnwindError
  init(
    _ name: String, _ instructions: [UInt8], _ error: @escaping @Sendable (UInt64) -> UnwindError
  ) {
    self.name = name
    self.instructions = instructions
    self.error = error
  }
  var testDescription: String { name }
}

@Suite struct CFIProgramTests {
  private static func offset(_ register: UInt16, _ offset: Int64) -> CFARule {
    .registerOffset(RegisterNumber(register), offset)
  }
  private static let deref: [DWARFOperation] = [
    DWARFOperation(.breg(7), 16), DWARFOperation(.deref, offset: 2),
  ]

  static let programs: [ProgramCase] = [
    ProgramCase("nop", [0, 0, 0]),
    ProgramCase("def_cfa", [0x0c, 6, 16], cfa: offset(6, 16)),
    ProgramCase("def_cfa_sf", [0x12, 6] + sleb(-2), cfa: offset(6, 16)),
    ProgramCase("def_cfa_register", [0x0d, 6], cfa: offset(6, 8)),
    ProgramCase("def_cfa_offset", [0x0e] + uleb(4096), cfa: offset(7, 4096)),
    ProgramCase("def_cfa_offset_sf", [0x13] + sleb(-3), cfa: offset(7, 24)),
    ProgramCase("def_cfa_expression", [0x0f, 3, 0x77, 16, 0x06], cfa: .expression(deref)),
    ProgramCase("offset", [0x83, 2], [3: .atCFAOffset(-16)]),
    ProgramCase("offset_extended", [0x05] + uleb(72) + [2], [72: .atCFAOffset(-16)]),
    ProgramCase("offset_extended_sf", [0x11, 3] + sleb(-2), [3: .atCFAOffset(16)]),
    ProgramCase("GNU_negative_offset_extended", [0x2f, 3, 2], [3: .atCFAOffset(16)]),
    ProgramCase("val_offset", [0x14, 7, 2], [7: .valueCFAOffset(-16)]),
    ProgramCase("val_offset_sf", [0x15, 7] + sleb(-2), [7: .valueCFAOffset(16)]),
    ProgramCase("undefined", [0x07, 16], [16: .undefined]),
    ProgramCase("same_value", [0x08, 3], [3: .sameValue]),
    ProgramCase("register", [0x09, 16, 5], [16: .register(RegisterNumber(5))]),
    ProgramCase("expression", [0x10, 3, 3, 0x77, 16, 0x06], [3: .atExpression(deref)]),
    ProgramCase("val_expression", [0x16, 3, 3, 0x77, 16, 0x06], [3: .valueExpression(deref)]),
    ProgramCase("restore to the CIE's rule", [0x07, 16, 0xd0]),
    ProgramCase("restore where the CIE has none", [0x83, 2, 0xc3]),
    ProgramCase("restore_extended", [0x83, 2, 0x06, 3]),
    ProgramCase("GNU_args_size", [0x2e] + uleb(300)),
    ProgramCase(
      "remember and restore take the CFA along", [0x0a, 0x0e, 64, 0x83, 2, 0x0a, 0x83, 3, 0x0b],
      cfa: offset(7, 64), [3: .atCFAOffset(-16)]),
    ProgramCase("remember and restore, nested", [0x0a, 0x83, 2, 0x0a, 0x83, 3, 0x0b, 0x0b]),
    ProgramCase(
      "a later rule replaces an earlier one", [0x83, 2, 0x83, 3], [3: .atCFAOffset(-24)]),
  ]

  @Test("instructions", arguments: programs)
  func instructions(example: ProgramCase) throws {
    var section = CFIAssembler()
    section.fde(cie: section.cie(), 0x4000..<0x4010, example.instructions)
    let row = try #require(try table(section).row(at: VirtualAddress(0x4000)))
    #expect(row.cfa == example.cfa)
    let rules = example.rules.merging([16: .atCFAOffset(-8)]) { own, _ in own }
    #expect(
      row.entries.map(\.register) == rules.keys.sorted().map { RegisterNumber($0) })
    for (register, rule) in rules { #expect(row[RegisterNumber(register)] == rule) }
    #expect(row.returnAddress == RegisterNumber(16))
    #expect(row.evidence == .ehFrame && !row.isSignalFrame)
  }

  static let badPrograms: [BadProgramCase] = [
    BadProgramCase("unknown", [0x17]) { .unknownInstruction(0x17, entry: $0) },
    BadProgramCase("AArch64's on x86-64", [0x2d]) { .unknownInstruction(0x2d, entry: $0) },
    BadProgramCase("restore without remember", [0x0b]) { .misplacedInstruction(0x0b, entry: $0) },
    BadProgramCase("offset of an expression", [0x0f, 1, 0x30, 0x0e, 8]) {
      .misplacedInstruction(0x0e, entry: $0)
    },
    BadProgramCase("register beyond 2¹⁶", [0x07] + uleb(1 << 16)) {
      .registerNumber(1 << 16, entry: $0)
    },
    BadProgramCase("offset beyond Int64", [0x0e] + uleb(1 << 63)) { .overflow(entry: $0) },
    BadProgramCase("factored offset beyond Int64", [0x11, 3] + sleb(.min)) { .overflow(entry: $0) },
    BadProgramCase("too many states", [UInt8](repeating: 0x0a, count: 65)) {
      .tooMany(limit: 64, entry: $0)
    },
    BadProgramCase(
      "too many rules", (0..<200).flatMap { [0x07] + uleb(UInt64($0)) }
    ) { .tooMany(limit: 160, entry: $0) },
    BadProgramCase("an expression that can't be decoded", [0x0f, 1, 0x01]) { _ in
      .expression(.unknownOpcode(DWARFOpcode(rawValue: 1), offset: 0))
    },
  ]

  @Test("damaged instructions", arguments: badPrograms)
  func damagedInstructions(example: BadProgramCase) throws {
    var section = CFIAssembler()
    let fde = section.fde(cie: section.cie(), 0x4000..<0x4010, example.instructions)
    #expect(throws: example.error(UInt64(fde))) {
      try table(section).row(at: VirtualAddress(0x4000))
    }
  }

  @Test("instructions that end too early")
  func truncated() throws {
    var section = CFIAssembler()
    // The block's length is more than the padded entry holds.
    let fde = section.fde(cie: section.cie(), 0x4000..<0x4010, [0x0f, 100])
    let error = #expect(throws: UnwindError.self) {
      try table(section).row(at: VirtualAddress(0x4000))
    }
    guard case .bytes(.outOfBounds, entry: UInt64(fde)) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("a CIE can't restore, and must define the CFA")
  func cie() throws {
    for (instructions, expected) in [
      ([0xc3], { UnwindError.misplacedInstruction(0xc3, entry: $0) }),
      ([0x0e, 8], { UnwindError.misplacedInstruction(0x0e, entry: $0) }),
    ] as [([UInt8], (UInt64) -> UnwindError)] {
      var section = CFIAssembler()
      var cie = CFIAssembler.CIE()
      cie.instructions = instructions
      let offset = section.cie(cie)
      section.fde(cie: offset, 0x4000..<0x4010, [])
      #expect(throws: expected(UInt64(offset))) {
        try table(section).row(at: VirtualAddress(0x4000))
      }
    }
    var section = CFIAssembler()
    var cie = CFIAssembler.CIE()
    cie.instructions = []
    let fde = section.fde(cie: section.cie(cie), 0x4000..<0x4010, [])
    #expect(throws: UnwindError.cfaUndefined(entry: UInt64(fde))) {
      try table(section).row(at: VirtualAddress(0x4000))
    }
  }

  @Test("locations: every way to advance, scaled by the code alignment")
  func locations() throws {
    var section = CFIAssembler()
    var cie = CFIAssembler.CIE()
    cie.codeAlignment = 4
    let offset = section.cie(cie)
    // set_loc's operand is relative to itself: section address, FDE, 18 bytes of header (length,
    // pointer, start, length, augmentation length, and the opcode at 17).
    var program: [UInt8] = [0x41, 0x0e, 16]  // advance_loc 1
    program += [0x02, 2, 0x0e, 24]  // advance_loc1 2
    program += [0x03] + little(UInt16(3)) + [0x0e, 32]
    program += [0x04] + little(UInt32(4)) + [0x0e, 40]
    program += [0x1d] + little(UInt64(5)) + [0x0e, 48]
    let setLocOperand = section.address + UInt64(section.section.count + 17 + program.count + 1)
    program += [0x01] + little(UInt32(truncatingIfNeeded: 0x4100 &- setLocOperand)) + [0x0e, 56]
    section.fde(cie: offset, 0x4000..<0x5000, program)
    let rows = try table(section).rows(alongFunctionAt: VirtualAddress(0x4800))
    #expect(
      rows.map(\.address.rawValue) == [0x4000, 0x4004, 0x400c, 0x4018, 0x4028, 0x403c, 0x4100])
    #expect(
      rows.map(\.row.cfa) == [8, 16, 24, 32, 40, 48, 56].map { Self.offset(7, $0) })
    let table = table(section)
    for (address, expected) in [
      (0x4000, 8), (0x4003, 8), (0x4004, 16), (0x403b, 40), (0x403c, 48), (0x40ff, 48),
      (0x4100, 56), (0x4fff, 56),
    ] as [(UInt64, Int64)] {
      // Twice: the second answer is the cached one.
      for _ in 0..<2 {
        #expect(
          try table.row(at: VirtualAddress(address))?.cfa == Self.offset(7, expected))
      }
    }
    #expect(try table.row(at: VirtualAddress(0x3fff)) == nil)
    #expect(try table.row(at: VirtualAddress(0x5000)) == nil)
  }

  @Test("AArch64's return address signing toggles with the rows")
  func signedReturnAddress() throws {
    var section = CFIAssembler()
    var cie = CFIAssembler.CIE()
    cie.augmentation = "zRB"
    cie.returnAddress = 30
    cie.instructions = [0x0c, 31, 0]
    section.fde(cie: section.cie(cie), 0x4000..<0x4010, [0x44, 0x2d, 0x44, 0x2d])
    let table = CFITable(
      CFISection(.ehFrame, section.view, address: VirtualAddress(section.address)),
      architecture: .aarch64)
    let rows = try table.rows(alongFunctionAt: VirtualAddress(0x4000))
    #expect(rows.map(\.row.isReturnAddressSigned) == [false, true, false])
  }

  private func table(_ section: CFIAssembler) -> CFITable {
    CFITable(CFISection(.ehFrame, section.view, address: VirtualAddress(section.address)))
  }
}
