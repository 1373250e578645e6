import Bytes
import TestWorlds
import Testing
import Unwinding

/// An expression and the integer of the generic type it gives, cut to 64 bits.
struct GenericCase: Sendable, CustomTestStringConvertible {
  let text: String
  let expected: UInt64
  init(_ text: String, _ expected: Int128) {
    self.text = text
    self.expected = UInt64(truncatingIfNeeded: expected)
  }
  var testDescription: String { text }
}

/// An expression and the typed value it gives: the type by its DIE, the value as a literal's bytes.
struct TypedCase: Sendable, CustomTestStringConvertible {
  let text: String
  let type: UInt64?
  let literal: String
  init(_ text: String, _ type: UInt64?, _ literal: String) {
    self.text = text
    self.type = type
    self.literal = literal
  }
  var testDescription: String { text }
}

@Suite struct ExpressionValueTests {
  private let world = ExpressionWorld()

  private static let constants: [GenericCase] = [
    GenericCase("addr 0x1234", 0x7000_1234), GenericCase("const1u 0xff", 0xff),
    GenericCase("const1s -1", -1), GenericCase("const2u 0xffff", 0xffff),
    GenericCase("const2s -2", -2), GenericCase("const4u 0xffffffff", 0xffff_ffff),
    GenericCase("const4s -3", -3), GenericCase("const8u 0xffffffffffffffff", -1),
    GenericCase("const8s -9223372036854775808", 1 << 63), GenericCase("constu 624485", 624485),
    GenericCase("consts -5", -5), GenericCase("lit0", 0), GenericCase("lit31", 31),
    GenericCase("GNU_encoded_addr 0 0x40", 0x7000_0040),
  ]

  private static let context: [GenericCase] = [
    GenericCase("breg7 16", 0x710), GenericCase("breg7 -16", 0x6f0),
    GenericCase("bregx 33 -1", 33 * 0x100 - 1), GenericCase("fbreg -8", 0xeff8),
    GenericCase("call_frame_cfa", 0xcfa0), GenericCase("push_object_address", 0xb000),
    GenericCase("addrx 3", 0x7000_3000), GenericCase("GNU_addr_index 3", 0x7000_3000),
    GenericCase("constx 3", 0x30), GenericCase("GNU_const_index 3", 0x30),
    GenericCase("lit5, form_tls_address", 0x7f00_0005),
    GenericCase("lit5, GNU_push_tls_address", 0x7f00_0005),
    GenericCase("addr 0x20, GNU_push_tls_address", 0x7f00_0020),
    GenericCase("entry_value (reg5)", 0x1111),
    GenericCase("GNU_entry_value (breg5 8, deref)", 0x2222),
    GenericCase("GNU_parameter_ref 0x55", 0xaa), GenericCase("GNU_variable_value 0x66", 0xbb),
    GenericCase("call2 7", 7), GenericCase("call4 8", 8), GenericCase("call_ref 9", 9),
    GenericCase("lit4, call4 101", 4), GenericCase("lit4, call4 5, plus", 9),
    GenericCase("const2u 0x5000, deref", 0x8877_6655_4433_2211),
    GenericCase("const2u 0x5000, deref_size 1", 0x11),
    GenericCase("const2u 0x5000, deref_size 3", 0x33_2211),
    GenericCase("const2u 0x5001, deref_size 8", 0x0888_7766_5544_3322),
  ]

  private static let stack: [GenericCase] = [
    GenericCase("lit1, lit2, dup, plus", 4), GenericCase("lit1, lit2, drop", 1),
    GenericCase("lit1, lit2, over", 1), GenericCase("lit1, lit2, lit3, pick 2", 1),
    GenericCase("lit1, lit2, lit3, pick 0", 3), GenericCase("lit1, lit5, swap, minus", 4),
    // rot turns 1 2 3 into 3 1 2.
    GenericCase("lit1, lit2, lit3, rot", 2), GenericCase("lit1, lit2, lit3, rot, drop", 1),
    GenericCase("lit1, lit2, lit3, rot, drop, drop", 3), GenericCase("lit1, nop, GNU_uninit", 1),
    // Over the next literal; not over it; and three turns of adding ten.
    GenericCase("lit1, skip 1, lit2", 1), GenericCase("lit5, lit1, bra 1, lit2", 5),
    GenericCase("lit5, lit0, bra 1, lit2", 2), GenericCase("lit1, skip 0, lit2", 2),
    GenericCase(
      "lit0, lit3, swap, plus_uconst 10, swap, lit1, minus, dup, bra -10, drop", 30),
  ]

  private static let arithmetic: [GenericCase] = [
    GenericCase("consts -7, abs", 7), GenericCase("lit7, abs", 7),
    GenericCase("const8u 0x8000000000000000, abs", 1 << 63), GenericCase("lit12, lit10, and", 8),
    GenericCase("lit12, lit10, or", 14), GenericCase("lit12, lit10, xor", 6),
    GenericCase("consts -7, lit2, div", -3), GenericCase("lit1, lit2, minus", -1),
    GenericCase("const8u 0x8000000000000000, consts -1, div", 1 << 63),
    // Unsigned: 2⁶⁴ − 1 modulo 10.
    GenericCase("consts -1, lit10, mod", 5), GenericCase("lit6, lit7, mul", 42),
    GenericCase("lit1, neg", -1), GenericCase("lit0, not", -1),
    GenericCase("consts -1, lit1, plus", 0), GenericCase("lit1, plus_uconst 300", 301),
    GenericCase("consts -1, plus_uconst 2", 1), GenericCase("lit1, lit4, shl", 16),
    GenericCase("lit1, const1u 64, shl", 0),
    GenericCase("consts -1, lit12, shr", 0xf_ffff_ffff_ffff),
    GenericCase("consts -1, const1u 64, shr", 0), GenericCase("consts -16, lit2, shra", -4),
    GenericCase("consts -16, const1u 200, shra", -1), GenericCase("lit16, const1u 200, shra", 0),
    GenericCase("consts -1, lit1, lt", 1), GenericCase("consts -1, lit1, le", 1),
    GenericCase("consts -1, lit1, gt", 0), GenericCase("consts -1, lit1, ge", 0),
    GenericCase("lit2, lit2, eq", 1), GenericCase("lit2, lit2, ne", 0),
    GenericCase("lit2, lit2, le", 1), GenericCase("lit2, lit2, lt", 0),
  ]

  static let genericCases = constants + context + stack + arithmetic

  @Test("the generic type", arguments: genericCases)
  func genericType(example: GenericCase) throws {
    #expect(try world.value(example.text) == ExpressionValue(example.expected))
  }

  private static let typed: [TypedCase] = [
    TypedCase("const_type 0x48 d1.5, const_type 0x48 d2.25, plus", 0x48, "d3.75"),
    TypedCase("const_type 0x48 d1.5, const_type 0x48 d2.25, minus", 0x48, "d-0.75"),
    TypedCase("const_type 0x48 d1.5, const_type 0x48 d2, mul", 0x48, "d3"),
    TypedCase("const_type 0x48 d1.5, const_type 0x48 d0, div", 0x48, "dinf"),
    TypedCase("const_type 0x48 d-1.5, abs", 0x48, "d1.5"),
    TypedCase("const_type 0x48 d1.5, neg", 0x48, "d-1.5"),
    TypedCase("const_type 0x44 f0.5, const_type 0x44 f0.25, plus", 0x44, "f0.75"),
    TypedCase("const_type 0x48 d1.5, const_type 0x48 d2.25, lt", nil, "i1:8"),
    TypedCase("const_type 0x48 d1.5, const_type 0x48 d2.25, ge", nil, "i0:8"),
    TypedCase("const_type 0x14 i-7:4, const_type 0x14 i2:4, div", 0x14, "i-3:4"),
    TypedCase("const_type 0x24 i-7:4, const_type 0x24 i2:4, div", 0x24, "i0x7ffffffc:4"),
    TypedCase("const_type 0x14 i-7:4, const_type 0x14 i3:4, mod", 0x14, "i-1:4"),
    TypedCase("const_type 0x14 i-1:4, const_type 0x14 i1:4, lt", nil, "i1:8"),
    TypedCase("const_type 0x24 i-1:4, const_type 0x24 i1:4, lt", nil, "i0:8"),
    TypedCase("const_type 0x24 i-1:4, const_type 0x24 i1:4, plus", 0x24, "i0:4"),
    TypedCase("const_type 0x14 i0x7fffffff:4, plus_uconst 1", 0x14, "i0x80000000:4"),
    TypedCase("const_type 0x14 i-8:4, lit1, shra", 0x14, "i-4:4"),
    TypedCase("const_type 0x14 i-8:4, lit1, shr", 0x14, "i0x7ffffffc:4"),
    TypedCase("const_type 0x14 i-8:4, const1u 32, shl", 0x14, "i0:4"),
    TypedCase("const_type 0x14 i-8:4, abs", 0x14, "i8:4"),
    TypedCase("const_type 0x24 i-8:4, abs", 0x24, "i-8:4"),
    TypedCase("const_type 0x1f i-8:16, const_type 0x1f i3:16, mul", 0x1f, "i-24:16"),
    // Registers and memory.
    TypedCase("regval_type 5 0x24", 0x24, "i0x500:4"),
    TypedCase("GNU_regval_type 5 0x21", 0x21, "i0:1"),
    TypedCase("const2u 0x5000, deref_type 4 0x14", 0x14, "i0x44332211:4"),
    TypedCase(
      "const2u 0x5000, GNU_deref_type 16 0x1f", 0x1f, "i0x01020304050607088877665544332211:16"),
    TypedCase("GNU_const_type 0x4f i77:16", 0x4f, "i77:16"),
  ]

  private static let conversions: [TypedCase] = [
    TypedCase("consts -1, convert 0x21", 0x21, "i-1:1"),
    TypedCase("const_type 0x14 i-1:4, convert 0x18", 0x18, "i-1:8"),
    TypedCase("const_type 0x24 i-1:4, GNU_convert 0x18", 0x18, "i0xffffffff:8"),
    TypedCase("const_type 0x14 i-1:4, convert 0", nil, "i-1:8"),
    TypedCase("const_type 0x14 i-3:4, convert 0x48", 0x48, "d-3"),
    TypedCase("consts -1, convert 0x48", 0x48, "d18446744073709551616"),
    TypedCase("const_type 0x24 i-1:4, convert 0x44", 0x44, "f4294967296"),
    TypedCase("const_type 0x48 d-2.75, convert 0x14", 0x14, "i-2:4"),
    TypedCase("const_type 0x48 d2.75, convert 0", nil, "i2:8"),
    TypedCase("const_type 0x48 d300, convert 0x21", 0x21, "i44:1"),
    TypedCase("const_type 0x48 d0.1, convert 0x44", 0x44, "f0.1"),
    TypedCase("const_type 0x44 f0.5, convert 0x48", 0x48, "d0.5"),
    TypedCase("const_type 0x48 d1, reinterpret 0", nil, "i0x3ff0000000000000:8"),
    TypedCase("const8u 0x3ff0000000000000, GNU_reinterpret 0x48", 0x48, "d1"),
  ]

  static let typedCases = typed + conversions

  @Test("base types", arguments: typedCases)
  func baseTypes(example: TypedCase) throws {
    let block = try #require(assembleExpression("implicit_value \(example.literal)"))
    let bits = block.dropFirst(2).reversed().reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    let type = try example.type.map { try #require(ExpressionWorld.types[$0]) }
    #expect(try world.value(example.text) == ExpressionValue(bits: bits, type: type))
  }

  @Test(
    "a 4-byte generic type wraps at 32 bits",
    arguments: [
      GenericCase("consts -1", 0xffff_ffff), GenericCase("consts -1, lit1, plus", 0),
      GenericCase("consts -8, lit2, div", 0xffff_fffc), GenericCase("lit0, not", 0xffff_ffff),
      GenericCase("const2u 0x5000, deref", 0x4433_2211), GenericCase("addr 4", 0x7000_0004),
      GenericCase("consts -8, lit1, shra", 0xffff_fffc),
    ])
  func narrow(example: GenericCase) throws {
    var world = world
    world.addressSize = 4
    #expect(try world.value(example.text).word == example.expected)
  }
}
