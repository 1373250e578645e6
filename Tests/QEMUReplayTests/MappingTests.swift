import Bytes
import Testing

@testable import QEMUReplay

struct MappingTests {
  @Test func `Lines of QEMU's list of mappings`() throws {
    let small = try #require(TLBLine(" ffff888007e17000: 0000000007e17000 X--DA---W"[...].utf8))
    #expect(small.virtual == 0xffff_8880_07e1_7000)
    #expect(small.physical == 0x7e1_7000)
    #expect(!small.mayBeLarge)
    let large = try #require(TLBLine("ffff888000200000: 0000000000200000 XGPDA---W"[...].utf8))
    #expect(large.mayBeLarge)
  }

  @Test(arguments: [
    "", "PG disabled", "unknown command: 'info tlb'", "x: 0000000000200000 X", "10: 20", "10: y X",
    "-10: 20 X",
  ])
  func `Other lines are none`(line: String) { #expect(TLBLine(line[...].utf8) == nil) }

  @Test func `Where an address may be mapped`() throws {
    func candidates(_ line: String, _ address: UInt64) throws -> [VirtualAddress] {
      try #require(TLBLine(line[...].utf8)).candidates(for: PhysicalAddress(address))
    }
    let small = "1000: 5000 ---------"
    #expect(try candidates(small, 0x5fff) == [VirtualAddress(0x1fff)])
    #expect(try candidates(small, 0x6000) == [])
    #expect(try candidates(small, 0x4fff) == [])
    let large = "ffffffffffe00000: 200000 --P------"
    #expect(try candidates(large, 0x3fffff) == [VirtualAddress(0xffff_ffff_ffff_ffff)])
    // Of 1 GiB, perhaps.
    #expect(try candidates("40000000: 0 --P------", 0x3fff_ffff) == [VirtualAddress(0x7fff_ffff)])
  }
}
