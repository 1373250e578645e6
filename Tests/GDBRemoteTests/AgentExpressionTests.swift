import Bytes
import GDBRemote
import Testing

@Suite struct AgentExpressionTests {
  /// Register 0 is unknown, others are ten times their number; a byte of memory is its address.
  private struct Context: AgentContext {
    func register(_ number: Int) throws(RemoteError) -> UInt64? {
      if number == 9 { throw .lost("gone") }
      return number == 0 ? nil : 10 * UInt64(number)
    }

    func memory(at address: VirtualAddress, count: Int) -> [UInt8] {
      (0..<UInt64(count)).filter { address.rawValue + $0 < 0x100 }.map {
        UInt8(truncatingIfNeeded: address.rawValue + $0)
      }
    }
  }

  private func value(_ bytecode: [UInt8]) async throws(AgentExpressionError) -> UInt64 {
    try await AgentExpression(bytecode).value(in: Context(), limit: 1000)
  }

  /// -7, pushed as a byte that is extended.
  private let minusSeven: [UInt8] = [0x22, 0xf9, 0x16, 8]

  @Test(
    arguments: [
      ([0x22, 5, 0x22, 3, 0x02], 8), ([0x22, 5, 0x22, 3, 0x03], 2), ([0x22, 5, 0x22, 3, 0x04], 15),
      ([0x22, 17, 0x22, 5, 0x06], 3), ([0x22, 17, 0x22, 5, 0x08], 2),
      ([0x22, 1, 0x22, 63, 0x09], 1 << 63), ([0x22, 1, 0x22, 64, 0x09], 0),
      ([0x22, 0x80, 0x22, 3, 0x0b], 0x10), ([0x22, 0, 0x0e], 1), ([0x22, 9, 0x0e], 0),
      ([0x22, 6, 0x22, 3, 0x0f], 2), ([0x22, 6, 0x22, 3, 0x10], 7), ([0x22, 6, 0x22, 3, 0x11], 5),
      ([0x22, 0, 0x12], .max), ([0x22, 6, 0x22, 6, 0x13], 1), ([0x22, 6, 0x22, 7, 0x13], 0),
      ([0x22, 6, 0x22, 7, 0x15], 1), ([0x22, 7, 0x22, 6, 0x15], 0),
      ([0x23, 1, 2], 0x102), ([0x24, 1, 2, 3, 4], 0x1020304),
      ([0x25, 1, 2, 3, 4, 5, 6, 7, 8], 0x0102_0304_0506_0708),
      ([0x26, 0, 16], 160), ([0x22, 0x10, 0x17], 0x10), ([0x22, 0x10, 0x18], 0x1110),
      ([0x22, 0x10, 0x19], 0x1312_1110), ([0x22, 0x10, 0x1a], 0x1716_1514_1312_1110),
      ([0x23, 0x12, 0xff, 0x2a, 8], 0xff), ([0x23, 0x12, 0xff, 0x2a, 64], 0x12ff),
      ([0x23, 0x12, 0xff, 0x2a, 0], 0),
      ([0x22, 1, 0x22, 2, 0x2b, 0x03], 1), ([0x22, 4, 0x28, 0x04], 16),
      ([0x22, 1, 0x22, 2, 0x29], 1), ([0x22, 7, 0x22, 8, 0x32, 1], 7),
      // 1 2 3 becomes 3 1 2, and what is on top says so.
      ([0x22, 1, 0x22, 2, 0x22, 3, 0x33], 2), ([0x22, 1, 0x22, 2, 0x22, 3, 0x33, 0x29], 1),
      ([0x22, 1, 0x22, 2, 0x22, 3, 0x33, 0x29, 0x29], 3),
      // if_goto over a constant, and not.
      ([0x22, 9, 0x22, 1, 0x20, 0, 10, 0x22, 5, 0x02], 9),
      ([0x22, 9, 0x22, 0, 0x20, 0, 10, 0x22, 5, 0x02], 14),
      ([0x21, 0, 5, 0x22, 1, 0x22, 2], 2),
      ([0x22, 3, 0x0d, 8, 0x30, 0, 8, 0x22, 1, 0x22, 1, 0x0c, 0x22, 1, 0x22, 1, 0x2f], 3),
    ] as [([UInt8], UInt64)])
  func operations(_ bytecode: [UInt8], _ expected: UInt64) async throws {
    #expect(try await value(bytecode + [0x27]) == expected)
  }

  @Test func signedOperations() async throws {
    let seven: [UInt8] = [0x22, 7]
    func signed(_ bytecode: [UInt8]) async throws -> Int64 {
      Int64(bitPattern: try await value(bytecode + [0x27]))
    }
    #expect(try await signed(minusSeven) == -7)
    #expect(try await signed(minusSeven + [0x22, 2, 0x05]) == -3)
    #expect(try await signed(minusSeven + [0x22, 2, 0x07]) == -1)
    #expect(try await signed(minusSeven + [0x22, 1, 0x0a]) == -4)
    #expect(try await signed(minusSeven + [0x22, 200, 0x0a]) == -1)
    #expect(try await signed(minusSeven + seven + [0x14]) == 1)
    #expect(try await signed(seven + minusSeven + [0x14]) == 0)
    // The one quotient that doesn't fit.
    let least: [UInt8] = [0x25, 0x80, 0, 0, 0, 0, 0, 0, 0]
    #expect(try await signed(least + [0x22, 0xff, 0x16, 8, 0x05]) == .min)
    #expect(try await signed(least + [0x22, 0xff, 0x16, 8, 0x07]) == 0)
  }

  @Test(
    arguments: [
      ([], .endless(offset: 0)), ([0x22], .endless(offset: 0)), ([0x22, 1], .endless(offset: 2)),
      ([0x25, 1, 2, 3], .endless(offset: 0)), ([0x21, 0xff, 0xff], .endless(offset: 65535)),
      ([0x01], .unknownOperation(1, offset: 0)),
      ([0x2c, 0, 1], .unknownOperation(0x2c, offset: 0)),
      ([0x34], .unknownOperation(0x34, offset: 0)), ([0xff], .unknownOperation(0xff, offset: 0)),
      ([0x27], .stack(offset: 0)), ([0x22, 1, 0x02], .stack(offset: 2)),
      ([0x22, 1, 0x33], .stack(offset: 2)), ([0x22, 1, 0x32, 1], .stack(offset: 2)),
      ([0x29], .stack(offset: 0)), ([0x2b], .stack(offset: 0)),
      ([0x22, 1, 0x21, 0, 0], .stack(offset: 0)),
      ([0x22, 1, 0x22, 0, 0x06], .divisionByZero(offset: 4)),
      ([0x22, 1, 0x22, 0, 0x07], .divisionByZero(offset: 4)),
      ([0x21, 0, 0], .tooLong(limit: 1000)),
      ([0x26, 0, 0], .unknownRegister(0, offset: 0)),
      ([0x26, 0, 9], .target(.lost("gone"), offset: 0)),
      (
        [0x22, 0xff, 0x18],
        .target(.memory(VirtualAddress(0x100), reason: "can't be read"), offset: 2)
      ),
    ] as [([UInt8], AgentExpressionError)])
  func failures(_ bytecode: [UInt8], _ expected: AgentExpressionError) async {
    await #expect(throws: expected) { try await value(bytecode) }
  }

  @Test func aBreakpointAppliesIfOneConditionIsTrueOrHasNoValue() async {
    let isTrue = AgentExpression([0x22, 1, 0x27])
    let isFalse = AgentExpression([0x22, 0, 0x27])
    let isBroken = AgentExpression([0x26, 0, 0, 0x27])
    for (conditions, expected) in [
      ([], true), ([isTrue], true), ([isFalse], false), ([isFalse, isTrue], true),
      ([isFalse, isBroken], true),
    ] {
      let breakpoint = Breakpoint(.software, at: VirtualAddress(1), conditions: conditions)
      #expect(await breakpoint.applies(in: Context()) == expected)
    }
  }
}
