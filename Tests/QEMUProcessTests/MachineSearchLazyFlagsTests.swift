import QEMUProcess
import TestWorlds
import Testing

/// The flags that a real CPU computes are the truth: a program made at test time runs each
/// operation and prints them.
@Suite("Lazy flags")
struct LazyFlagsTests {
  /// CF, PF, AF, ZF, SF, OF.
  private static let codes: UInt64 = 0x8d5

  private static func program() -> String {
    """
    #include <stdio.h>
    typedef unsigned long u64;
    static const u64 values[] = {
      0, 1, 0x7f, 0x80, 0xff, 0x0f, 0x10, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
      0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
      0x123456789abcdef0, 0xfedcba9876543210 };
    #define RUN(name, T, insn, c) do { T d = (T)a, s = (T)b; u64 f; \\
      __asm__ volatile("bt $0, %k3; " insn " %2, %0; pushfq; popq %1" \\
        : "+q"(d), "=r"(f) : "q"(s), "r"(c) : "cc"); \\
      printf(name " %lx %lx %lx %x\\n", (u64)d, (u64)s, f, (int)(c)); } while (0)
    #define UNARY(name, T, insn, c) do { T d = (T)a; u64 f; \\
      __asm__ volatile("bt $0, %k2; " insn " %0; pushfq; popq %1" \\
        : "+q"(d), "=r"(f) : "r"(c) : "cc"); \\
      printf(name " %lx %lx %lx %x\\n", (u64)d, 0ul, f, (int)(c)); } while (0)
    #define SIZES(X, NAME, insn, c) X(NAME "B", unsigned char, insn "b", c); \\
      X(NAME "W", unsigned short, insn "w", c); X(NAME "L", unsigned, insn "l", c); \\
      X(NAME "Q", u64, insn "q", c)
    int main(void) {
      for (int i = 0; i < 18; i++) for (int j = 0; j < 18; j++) {
        u64 a = values[i], b = values[j];
        for (int c = 0; c < 2; c++) {
          SIZES(RUN, "ADC", "adc", c); SIZES(RUN, "SBB", "sbb", c);
          if (!c) { SIZES(RUN, "ADD", "add", c); SIZES(RUN, "SUB", "sub", c);
            SIZES(RUN, "LOGIC", "and", c); }
          if (!j) { SIZES(UNARY, "INC", "inc", c); SIZES(UNARY, "DEC", "dec", c); }
          if (!j && !c) { SIZES(UNARY, "SHL", "shl", c); SIZES(UNARY, "SAR", "sar", c);
            u64 d; u64 f; (void)b;
            __asm__ volatile("popcnt %2, %0; pushfq; popq %1" : "=r"(d), "=r"(f) : "r"(a) : "cc");
            printf("POPCNT %lx %lx %lx 0\\n", a, a, f); }
        }
      }
      return 0;
    }
    """
  }

  @Test func agreeWithTheCPU() throws {
    let directory = try ScratchDirectory()
    try directory.write(Self.program(), to: "flags.c")
    try Tool.run("gcc", "-O1", "-o", "flags", "flags.c", in: directory)
    let lines = try Tool.run("sh", "-c", "./flags", in: directory).split(separator: "\n")
    #expect(lines.count > 9000)
    var differences: [String] = []
    for line in lines {
      let words = line.split(separator: " ")
      let numbers = words.dropFirst().compactMap { UInt64($0, radix: 16) }
      let operation = try #require(
        FlagOperation(named: "CC_OP_" + String(words[0]), among: []))
      let flags = Self.lazily(operation, numbers)
      if flags.conditionCodes & Self.defined(operation) != numbers[2] & Self.defined(operation) {
        differences.append("\(line): \(String(flags.conditionCodes, radix: 16))")
      }
    }
    #expect(differences.prefix(5) == [])
  }

  /// Operands as the translator keeps them: result, second operand, flags after, carry before.
  private static func lazily(_ operation: FlagOperation, _ numbers: [UInt64]) -> LazyFlags {
    var flags = LazyFlags(
      stored: 2, operation: operation, source: numbers[1], source2: numbers[3],
      destination: numbers[0], direction: 1)
    switch operation {
    case .arithmetic(.increment, _), .arithmetic(.decrement, _): flags.source = numbers[3]
    // The operand before its last shift by one: any with the right bit shifted out.
    case .arithmetic(.shiftLeft, let width):
      flags.source = numbers[2] & 1 == 0 ? 0 : .max >> (64 - (UInt64(8) << UInt64(width.rawValue)))
    case .arithmetic(.shiftRight, let width):
      let bits = UInt64(8) << UInt64(width.rawValue)
      flags.source = numbers[0] << 1 & (.max >> (64 - bits)) | numbers[2] & 1
      flags.source &= ~(1 << (bits - 1))
      flags.source |= numbers[0] & 1 << (bits - 1)
    default: break
    }
    return flags
  }

  /// The flags that the manual defines after `operation`.
  private static func defined(_ operation: FlagOperation) -> UInt64 {
    switch operation {
    case .arithmetic(.logic, _), .arithmetic(.shiftLeft, _), .arithmetic(.shiftRight, _):
      codes & ~0x10
    default: codes
    }
  }

  @Test func otherOperations() {
    func codes(
      _ operation: FlagOperation, source: UInt64 = 0, source2: UInt64 = 0, destination: UInt64 = 0
    ) -> UInt64 {
      LazyFlags(
        stored: 0, operation: operation, source: source, source2: source2,
        destination: destination, direction: 1
      ).conditionCodes
    }
    #expect(codes(.computed, source: 0x8d5) == 0x8d5)
    #expect(codes(.adcx, source: 0x8d5, destination: 0) == 0x8d4)
    #expect(codes(.adcx, source: 0, destination: 1) == 1)
    #expect(codes(.adox, source: 0x8d5, source2: 0) == 0xd5)
    #expect(codes(.adcox, source: 0x44, source2: 1, destination: 1) == 0x845)
    #expect(codes(.cleared) == 0x44)
    #expect(codes(.populationCount(.source), source: 0, destination: 1) == 0x40)
    #expect(codes(.populationCount(.destination), source: 0, destination: 1) == 0)
    #expect(codes(.arithmetic(.multiply, .byte), source: 0x100, destination: 0x80) == 0x80)
    #expect(codes(.arithmetic(.multiply, .word), source: 0x100, destination: 0x81) == 0x805)
    #expect(codes(.arithmetic(.lowestBitMask, .long), source: 0, destination: 0) == 0x41)
    #expect(codes(.arithmetic(.lowestBit, .quad), source: 0, destination: 0) == 0x40)
    #expect(codes(.arithmetic(.lowestBit, .quad), source: 8, destination: 1 << 63) == 0x81)
  }

  @Test func directionAndStoredFlags() {
    var flags = LazyFlags(
      stored: 0x202, operation: .computed, source: 0x44, source2: 0, destination: 0, direction: 1)
    #expect(flags.value == 0x246)
    flags.direction = -1
    #expect(flags.value == 0x646)
  }

  @Test func numbersOfReleases() {
    #expect(FlagOperation.Numbering(major: 5, minor: 2) == .original)
    #expect(FlagOperation.Numbering(major: 9, minor: 0) == .original)
    #expect(FlagOperation.Numbering(major: 9, minor: 1) == .grouped)
    #expect(FlagOperation.Numbering(major: 9, minor: 2) == .aligned)
    #expect(FlagOperation.Numbering(major: 11, minor: 0) == .aligned)
    let add = FlagOperation.arithmetic(.add, .long)
    #expect(FlagOperation(number: 8, .original) == add)
    #expect(FlagOperation(number: 12, .grouped) == add)
    #expect(FlagOperation(number: 10, .aligned) == add)
    #expect(FlagOperation(number: 45, .original) == .arithmetic(.lowestBitMask, .quad))
    #expect(FlagOperation(number: 51, .aligned) == .arithmetic(.lowestBit, .quad))
    #expect(FlagOperation(number: 0, .original) == nil)
    #expect(FlagOperation(number: 51, .original) == nil)
    #expect(FlagOperation(number: 56, .aligned) == nil)
    #expect(FlagOperation(number: .max, .grouped) == nil)
    #expect(FlagOperation(named: "CC_OP_DYNAMIC", among: []) == nil)
    #expect(FlagOperation(named: "CC_OP_ADDX", among: []) == nil)
    #expect(
      FlagOperation(named: "CC_OP_POPCNT", among: ["CC_OP_POPCNTQ__"])
        == .populationCount(.destination))
  }
}
