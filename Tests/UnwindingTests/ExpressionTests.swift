import Bytes
import TestWorlds
import Testing
import Unwinding

/// An expression and how its evaluation fails.
struct FailureCase: Sendable, CustomTestStringConvertible {
  let text: String
  let expected: ExpressionError
  init(_ text: String, _ expected: ExpressionError) {
    self.text = text
    self.expected = expected
  }
  var testDescription: String { text }
}

@Suite struct ExpressionResultTests {
  private typealias Piece = ExpressionResult.Piece
  private let world = ExpressionWorld()

  @Test("locations")
  func locations() throws {
    func only(_ text: String) throws -> ExpressionResult.Kind {
      let pieces = try world.evaluate(text).pieces
      #expect(pieces.count == 1 && pieces[0].bitSize == nil)
      return pieces[0].kind
    }
    #expect(try only("") == .optimizedOut)
    #expect(try only("fbreg 16") == .memory(VirtualAddress(0xf010)))
    #expect(try only("reg5") == .register(RegisterNumber(5)))
    #expect(try only("reg5, GNU_uninit") == .register(RegisterNumber(5)))
    #expect(try only("regx 33") == .register(RegisterNumber(33)))
    #expect(try only("lit5, stack_value") == .value(ExpressionValue(5)))
    #expect(try only("implicit_value i0x030201:3") == .bytes([1, 2, 3]))
    #expect(try only("implicit_pointer 4 -4") == .implicitPointer(die: 4, offset: -4))
    #expect(try only("GNU_implicit_pointer 4 8") == .implicitPointer(die: 4, offset: 8))
    #expect(try only("call4 102") == .register(RegisterNumber(3)))
  }

  @Test("pieces")
  func pieces() throws {
    let result = try world.evaluate(
      """
      reg3, piece 4, piece 2, fbreg 0, bit_piece 12 3, lit5, stack_value, piece 1, \
      implicit_value i9:1, piece 1
      """)
    #expect(
      result.pieces == [
        Piece(bitSize: 32, kind: .register(RegisterNumber(3))),
        Piece(bitSize: 16, kind: .optimizedOut),
        Piece(bitSize: 12, bitOffset: 3, kind: .memory(VirtualAddress(0xf000))),
        Piece(bitSize: 8, kind: .value(ExpressionValue(5))),
        Piece(bitSize: 8, kind: .bytes([9])),
      ])
  }

  @Test("initial values are on the stack, the last on top")
  func initial() throws {
    let operations = try world.operations("minus")
    #expect(
      try DWARFExpression.value(of: operations, in: world, initial: [9, 2]) == ExpressionValue(7))
  }

  static let failures: [FailureCase] = [
    FailureCase("deref", .stackUnderflow(offset: 0)),
    FailureCase("lit1, plus", .stackUnderflow(offset: 1)),
    FailureCase("lit1, swap", .stackUnderflow(offset: 1)),
    FailureCase("lit1, lit2, rot", .stackUnderflow(offset: 2)),
    FailureCase("lit1, pick 1", .stackUnderflow(offset: 1)),
    FailureCase("drop", .stackUnderflow(offset: 0)),
    FailureCase("lit1, lit0, div", .divisionByZero(offset: 2)),
    FailureCase("lit1, lit0, mod", .divisionByZero(offset: 2)),
    FailureCase(
      "const_type 0x14 i1:4, const_type 0x14 i0:4, div", .divisionByZero(offset: 14)),
    FailureCase("bregx 64 0", .registerUnknown(RegisterNumber(64))),
    FailureCase("regval_type 64 0x14", .registerUnknown(RegisterNumber(64))),
    FailureCase(
      "const2u 0x6000, deref",
      .memory(MemoryFault(address: VirtualAddress(0x6000), reason: .unmapped))),
    FailureCase("skip -3", .stepLimit),
    FailureCase("skip -4", .badBranch(offset: 0, target: -1)),
    FailureCase("lit1, skip 1, const2u 0, nop", .badBranch(offset: 1, target: 5)),
    FailureCase("lit1, dup, skip -4", .stackOverflow(offset: 1)),
    FailureCase("call4 100", .nestingLimit),
    FailureCase("reg5, lit1", .misplaced(.lit(1), offset: 1)),
    FailureCase("reg5, stack_value", .misplaced(.stackValue, offset: 1)),
    FailureCase("lit1, deref_size 9", .invalidSize(9, offset: 1)),
    FailureCase("lit1, deref_size 0", .invalidSize(0, offset: 1)),
    FailureCase("lit1, deref_type 2 0x14", .invalidSize(2, offset: 1)),
    FailureCase("const_type 0x14 i1:4, lit1, plus", .typeMismatch(offset: 8)),
    FailureCase("const_type 0x48 d1, const_type 0x48 d1, and", .typeMismatch(offset: 22)),
    FailureCase("const_type 0x48 d1, plus_uconst 1", .typeMismatch(offset: 11)),
    FailureCase("const_type 0x48 d1, deref", .typeMismatch(offset: 11)),
    FailureCase("const_type 0x48 d1, not", .typeMismatch(offset: 11)),
    FailureCase("const_type 0x48 d1, reinterpret 0x44", .typeMismatch(offset: 11)),
    FailureCase("const_type 0x48 d1e300, convert 0x14", .typeMismatch(offset: 11)),
    FailureCase("const_type 0x48 dnan, convert 0x14", .typeMismatch(offset: 11)),
    FailureCase("const_type 0x14 i1:3", .misplaced(.constType, offset: 0)),
    FailureCase("lit1, lit1, xderef", .unsupported(.xderef)),
    FailureCase("lit1, lit1, xderef_size 4", .unsupported(.xderefSize)),
    FailureCase("lit1, lit1, xderef_type 4 0x14", .unsupported(.xderefType)),
    FailureCase("GNU_encoded_addr 0x0c 0", .unsupported(.gnuEncodedAddr)),
    FailureCase("lit1, convert 0x77", .unsupported(.convert)),
    FailureCase("piece 0xffffffffffffffff", .invalidSize(.max, offset: 0)),
    FailureCase("piece 1, reg5", .notAValue),
  ]

  @Test("failures", arguments: failures)
  func failure(example: FailureCase) {
    #expect(throws: example.expected) { try world.evaluate(example.text) }
  }

  @Test("quad floats are kept, but not computed with")
  func quad() throws {
    let type = try #require(ExpressionWorld.types[0x4f])
    #expect(throws: ExpressionError.unsupportedType(type)) {
      try world.value("const_type 0x4f i1:16, neg")
    }
    #expect(throws: ExpressionError.unsupportedType(type)) {
      try world.value("lit1, convert 0x4f")
    }
  }

  @Test("damaged bytes are refused")
  func damaged() {
    func decode(_ bytes: [UInt8]) throws -> [DWARFOperation] {
      try DWARFExpression.decode(ByteView(copying: bytes))
    }
    #expect(throws: ExpressionError.unknownOpcode(DWARFOpcode(rawValue: 1), offset: 1)) {
      try decode([0x30, 0x01])
    }
    #expect(throws: ExpressionError.bytes(.outOfBounds(offset: 1, count: 4, available: 2))) {
      try decode([0x0c, 0])
    }
    #expect(throws: ExpressionError.bytes(.outOfBounds(offset: 2, count: 5, available: 3))) {
      try decode([0x9e, 5, 0])
    }
    #expect(throws: ExpressionError.bytes(.outOfBounds(offset: 2, count: 5, available: 3))) {
      try decode([0xa3, 5, 0])
    }
    var nested: [UInt8] = [0x55]
    for _ in 0..<40 { nested = [0xa3] + uleb(UInt64(nested.count)) + nested }
    #expect(throws: ExpressionError.nestingLimit) { try decode(nested) }
  }

  @Test("64-bit DWARF has 8-byte DIE offsets")
  func offsets() throws {
    let bytes = [0x9a] + little(UInt64(0x1_0000_0001)) + [0xa0] + little(UInt64(2)) + [0x7f]
    let operations = try DWARFExpression.decode(ByteView(copying: bytes), offsetSize: 8)
    #expect(
      operations == [
        DWARFOperation(.callRef, 0x1_0000_0001),
        DWARFOperation(.implicitPointer, 2, .max, offset: 9),
      ])
  }

  @Test("a location is not a value")
  func notAValue() {
    for text in ["reg5", "", "lit1, piece 4", "implicit_value i1:4"] {
      #expect(throws: ExpressionError.notAValue) { try world.value(text) }
    }
  }

  @Test("what a context doesn't offer is unsupported")
  func defaults() throws {
    struct Nothing: ExpressionContext {
      func register(_ register: RegisterNumber) -> UInt64? { nil }
      func memory(at address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
        throw MemoryFault(address: address, reason: .excluded)
      }
    }
    let cases: [(DWARFOpcode, DWARFOpcode)] = [
      (.fbreg, .fbreg), (.callFrameCFA, .callFrameCFA), (.addrx, .addrx), (.constx, .constx),
      (.pushObjectAddress, .pushObjectAddress), (.call2, .call4), (.callRef, .call4),
      (.gnuParameterRef, .gnuParameterRef), (.gnuVariableValue, .gnuVariableValue),
      (.regvalType, .convert),
    ]
    for (opcode, named) in cases {
      #expect(throws: ExpressionError.unsupported(named)) {
        try DWARFExpression.evaluate([DWARFOperation(opcode)], in: Nothing())
      }
    }
  }
}
