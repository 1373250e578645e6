import Bytes
import Targets
import Testing

@testable import QEMUProcess

@Suite("A CPU's XSAVE area")
struct XSAVEAreaTests {
  private let x87 = XSAVEArea.X87(
    control: 0x37f, status: 0x3921, top: 5,
    isEmpty: [true, false, true, true, false, true, true, true],
    stack: (0..<8).map { [UInt8](repeating: UInt8(0x10 + $0), count: 10) }, opcode: 0x7ff,
    instruction: 0x1122_3344_5566_7788, operand: 0x99aa_bbcc_ddee_ff00)

  private func area(enabled: UInt64, keys: UInt32? = 0x5555_5554) -> ByteView {
    ByteView(
      copying: XSAVEArea(
        x87: x87, mxcsr: 0x1fa0,
        vectors: (0..<32).map { register in (0..<64).map { UInt8($0 / 16 * 64 + register) } },
        opmasks: (0..<8).map { 0x100 + $0 }, protectionKeys: keys, enabled: enabled
      ).bytes)
  }

  @Test func beginsAsFXSAVEStoresIt() throws {
    let area = area(enabled: 3)
    #expect(area.count == 576)
    #expect(try area.load(UInt16.self, at: 0) == 0x37f)
    // TOP comes from its own member, whatever the status says.
    #expect(try area.load(UInt16.self, at: 2) == 0x2921)
    #expect(try area.load(UInt8.self, at: 4) == 0b1_0010)
    #expect(try area.load(UInt16.self, at: 6) == 0x7ff)
    #expect(try area.load(UInt64.self, at: 8) == 0x1122_3344_5566_7788)
    #expect(try area.load(UInt64.self, at: 16) == 0x99aa_bbcc_ddee_ff00)
    #expect(try area.load(UInt32.self, at: 24) == 0x1fa0)
    #expect(try area.load(UInt64.self, at: 32 + 16 * 3) == 0x1313_1313_1313_1313)
    #expect(try area.load(UInt64.self, at: 32 + 16 * 3 + 8) == 0x1313)
    #expect(try area.load(UInt64.self, at: 160 + 16 * 15) == 0x0f0f_0f0f_0f0f_0f0f)
    #expect(try area.load(UInt64.self, at: 512) == 3)
    #expect(try area.load(UInt64.self, at: 520) == 0)
  }

  @Test func hasTheComponentsThatAreEnabled() throws {
    let avx = area(enabled: 7)
    #expect(avx.count == 832)
    #expect(try avx.load(UInt64.self, at: 512) == 7)
    #expect(try avx.load(UInt8.self, at: 576 + 16 * 2) == 64 + 2)
    let all = area(enabled: 0x2e7)
    #expect(all.count == 2696)
    #expect(try all.load(UInt64.self, at: 512) == 0x2e7)
    #expect(try all.load(UInt64.self, at: 1088 + 8 * 7) == 0x107)
    #expect(try all.load(UInt8.self, at: 1152 + 32 * 3) == 128 + 3)
    #expect(try all.load(UInt8.self, at: 1152 + 32 * 3 + 16) == 192 + 3)
    #expect(try all.load(UInt8.self, at: 1664 + 64 * 2) == 18)
    #expect(try all.load(UInt8.self, at: 1664 + 64 * 2 + 16) == 64 + 18)
    #expect(try all.load(UInt32.self, at: 2688) == 0x5555_5554)
    // Without a value there is no component.
    #expect(try area(enabled: 0x207, keys: nil).load(UInt64.self, at: 512) == 7)
  }
}

@Suite("TCG's floating-point exceptions")
struct SSEExceptionTests {
  @Test(arguments: SSEExceptions.rows)
  func haveTheirBits(_ row: SSEExceptions.Row) {
    #expect(row.inWord.nonzeroBitCount == 1)
    #expect(SSEExceptions.mxcsr(of: row.inWord, size: 2) == row.mxcsr)
    if let bit = row.inByte { #expect(SSEExceptions.mxcsr(of: bit, size: 1) == row.mxcsr) }
  }

  @Test func othersMeanNothing() {
    let known = SSEExceptions.rows.reduce(UInt64(0)) { $0 | $1.inWord }
    #expect(SSEExceptions.mxcsr(of: ~known, size: 2) == 0)
    // Intel SDM volume 1, figure 10-3: IE, DE, ZE, OE, UE, PE.
    #expect(SSEExceptions.mxcsr(of: .max, size: 2) == 0b11_1111)
    #expect(SSEExceptions.mxcsr(of: .max, size: 1) == 0b11_1101)
  }
}

@Suite("The guest's VMCOREINFO note")
struct VMCoreInfoNoteTests {
  private func memory(_ bytes: [UInt8]) -> PhysicalMemory {
    PhysicalMemory([
      PhysicalSegment(
        start: PhysicalAddress(0x1000), count: UInt64(bytes.count),
        contents: .bytes(ByteView(copying: bytes)))
    ])
  }

  private func note(_ name: String = "VMCOREINFO", size: UInt32, _ text: String) -> [UInt8] {
    var bytes: [UInt8] = [11, 0, 0, 0]
    for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: size >> (8 * UInt32(index)))) }
    return bytes + [0, 0, 0, 0] + Array(name.utf8) + [0, 0] + Array(text.utf8)
  }

  private func place(_ count: Int) -> VMCoreInfoPlace {
    VMCoreInfoPlace(start: PhysicalAddress(0x1000), count: UInt64(count))
  }

  @Test func isReadWithoutItsHeader() throws {
    let bytes = note(size: 8, "OS=6.1\nX")
    let contents = try VMCoreInfoNote.contents(at: place(bytes.count), in: memory(bytes))
    #expect(String(decoding: contents) == "OS=6.1\nX")
  }

  @Test func thatLiesIsRefused() {
    for bytes in [
      note(size: 9, "OS=6.1\nX"), note(size: .max, "OS=6.1\nX"),
      note("VMCOREINFX", size: 8, "OS=6.1\nX"), [1, 2, 3], [],
    ] {
      #expect(throws: VMCoreInfoNote.Problem.notANote(PhysicalAddress(0x1000))) {
        try VMCoreInfoNote.contents(at: place(bytes.count), in: memory(bytes + [0]))
      }
    }
    #expect(throws: VMCoreInfoNote.Problem.tooLarge(1 << 32)) {
      try VMCoreInfoNote.contents(
        at: VMCoreInfoPlace(start: PhysicalAddress(0), count: 1 << 32), in: memory([0]))
    }
    #expect(
      throws: VMCoreInfoNote.Problem.memory(
        PhysicalFault(address: PhysicalAddress(0x1008), reason: .unmapped))
    ) { try VMCoreInfoNote.contents(at: place(64), in: memory([UInt8](repeating: 0, count: 8))) }
  }
}
