import Testing

@testable import QEMUReplay

/// What QEMU's stub says.
@Suite struct StubTests {
  @Test func stops() throws {
    #expect(try StubStop("T05thread:01;").signal == 5)
    #expect(try StubStop("T05thread:01;").watched == nil)
    #expect(
      try StubStop("T05thread:01;watch:ffffffff81000010;").watched
        == StubStop.Watched(address: 0xffff_ffff_8100_0010, access: .write))
    #expect(try StubStop("T05thread:01;rwatch:10;").watched?.access == .read)
    #expect(try StubStop("T05thread:01;awatch:10;").watched?.access == .readOrWrite)
    #expect(try StubStop("T05thread:01;awatch:10;").watched?.address == 0x10)
    #expect(try StubStop("S02").signal == 2)
    for reply in ["", "OK", "E22", "T", "Txx", "T05thread:01;watch:zz;"] {
      #expect(throws: ReplayError.self) { try StubStop(reply) }
    }
  }

  @Test func digits() throws {
    #expect(try StubClient.bytes("00ffA5") == [0, 255, 0xa5])
    #expect(throws: ReplayError.self) { try StubClient.bytes("0") }
    #expect(throws: ReplayError.self) { try StubClient.bytes("xx") }
  }

  @Test func processors() {
    #expect(EngineArchitecture.of("/usr/bin/qemu-system-x86_64")?.programCounter == 128)
    #expect(EngineArchitecture.of("/x/qemu-system-aarch64")?.programCounter == 256)
    #expect(EngineArchitecture.of("/usr/x86_64/qemu-system-sparc") == nil)
  }
}
