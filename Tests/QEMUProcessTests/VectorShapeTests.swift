import Bytes
import Testing

@testable import QEMUProcess

/// Where MXCSR is worked out, by bytes that are laid by hand.
@Suite struct VectorShapeTests {
  private static let base: UInt64 = 20_008
  /// Of releases before 7.0, from `xmm_regs` to `kernelgsbase`.
  private static let registers = base - 64 - 3976

  /// A CPU's object in which `words` stand.
  private func object(_ words: [UInt64: UInt32]) -> ProbedBytes {
    var bytes = [UInt8](repeating: 0, count: 24_000)
    for (offset, word) in words {
      for index in 0..<4 {
        bytes[Int(offset) + index] = UInt8(truncatingIfNeeded: word >> (8 * UInt32(index)))
      }
    }
    return ProbedBytes(view: ByteView(copying: bytes))
  }

  private func shape(_ objects: [ProbedBytes], from start: UInt64) -> VectorShape? {
    VectorShape(of: objects, from: start, bases: [Self.base])
  }

  @Test func theControlWordBeforeTheRegistersTells() throws {
    let found = try #require(shape([object([Self.registers - 4: 0x1f80])], from: 10_000))
    #expect(found.control == Self.registers - 4)
    #expect(found.registers == Self.registers)
  }

  @Test func whatLiesBeforeTheStateIsNoCandidate() {
    let other = Self.base - 64 - 10440
    let cpu = object([Self.registers - 4: 0x1f80, other - 4: 0x5580])
    #expect(shape([cpu], from: 10_000)?.registers == Self.registers)
    // Within the state either might be it: none is believed.
    #expect(shape([cpu], from: 1000) == nil)
  }
}
