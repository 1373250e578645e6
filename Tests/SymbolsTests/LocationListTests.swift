import Bytes
import TestWorlds
import Testing

@testable import Symbols

/// Location lists as far as they are read without libdw.
@Suite struct LocationListTests {
  private func list(_ bytes: ByteAssembler, version: UInt16) -> LocationList {
    LocationList(section: bytes.view, version: version, unitBase: 0x1000)
  }

  @Test func version5() throws {
    var bytes = ByteAssembler()
    bytes.u8(9)  // view pair, to be passed over
    bytes.append([1, 2])
    bytes.u8(4)  // offset pair 0x10..<0x20
    bytes.append([0x10, 0x20, 2, 0x54, 0xf0])
    bytes.u8(6)  // base address
    bytes.number(UInt64(0x8000))
    bytes.u8(4)
    bytes.append([0x10, 0x20, 1, 0x51])
    bytes.u8(8)  // start, length
    bytes.number(UInt64(0x9000))
    bytes.append([4, 1, 0x52])
    bytes.u8(7)  // start, end
    bytes.number(UInt64(0xa000))
    bytes.number(UInt64(0xa004))
    bytes.append([1, 0x53])
    bytes.u8(0)
    let list = list(bytes, version: 5)
    func expression(_ address: UInt64) throws -> [UInt8]? {
      try list.expression(at: 0, for: address)?.copy()
    }
    #expect(try expression(0x1010) == [0x54, 0xf0])
    #expect(try expression(0x1020) == nil)
    #expect(try expression(0x801f) == [0x51])
    #expect(try expression(0x9003) == [0x52])
    #expect(try expression(0xa003) == [0x53])
    #expect(try expression(0xa004) == nil)
  }

  @Test func version4() throws {
    var bytes = ByteAssembler()
    for (start, end) in [(UInt64(0x10), UInt64(0x20)), (.max, 0x8000), (0x10, 0x20)] {
      bytes.number(start)
      bytes.number(end)
      if start != .max {
        bytes.number(UInt16(1))
        bytes.u8(0x50)
      }
    }
    bytes.number(UInt64(0))
    bytes.number(UInt64(0))
    let list = list(bytes, version: 4)
    #expect(try list.expression(at: 0, for: 0x1010)?.copy() == [0x50])
    #expect(try list.expression(at: 0, for: 0x8010)?.copy() == [0x50])
    #expect(try list.expression(at: 0, for: 0x10) == nil)
  }

  @Test func endlessListsEnd() {
    var bytes = ByteAssembler()
    bytes.append([4, 0x10, 0x20, 1, 0x51])
    #expect(throws: ByteError.self) {
      try list(bytes, version: 5).expression(at: 0, for: 0x5000)
    }
    #expect(throws: ByteError.self) {
      try list(bytes, version: 4).expression(at: 0, for: 0x5000)
    }
    #expect(throws: ByteError.self) {
      try list(bytes, version: 5).expression(at: 99, for: 0x5000)
    }
  }
}
