import Bytes
import HostSystem
import MachineDumps
import Targets
import TestWorlds
import Testing

@Suite struct RawMemoryTests {
  @Test func theSyntaxSaysFilePartAndAddress() throws {
    let cases: [(String, RawMemory?)] = [
      ("ram", nil),
      ("ram@", nil),
      ("ram@x", nil),
      ("ram@-1", nil),
      ("user@host", nil),
      ("ram@0", RawMemory(path: "ram")),
      ("ram@0x100000000", RawMemory(path: "ram", address: PhysicalAddress(1 << 32))),
      ("a@b@4096", RawMemory(path: "a@b", address: PhysicalAddress(4096))),
      ("ram+0x1000@0", RawMemory(path: "ram", offset: 4096)),
      (
        "ram+16:0x20@48",
        RawMemory(path: "ram", offset: 16, size: 32, address: PhysicalAddress(48))
      ),
      ("c++@0", RawMemory(path: "c++")),
      ("a+b:c@0", RawMemory(path: "a+b:c")),
      ("1+2:3:4@0", RawMemory(path: "1+2:3:4")),
      ("a+1+2@0", RawMemory(path: "a+1", offset: 2)),
    ]
    for (text, expected) in cases { #expect(try RawMemory(text) == expected, "\(text)") }
    for text in ["@0", "+0@0", "ram+0:0@0", "ram+0:2@0xffffffffffffffff"] {
      #expect(throws: MachineDumpError.self, "\(text)") { try RawMemory(text) }
    }
  }

  @Test func partsOfOneFileLieWhereTheyAreSaidTo() throws {
    let directory = try ScratchDirectory()
    let path = try directory.write((0..<8192).map { UInt8($0 / 1024) }, to: "ram")
    let parts = try ["\(path)+0:0x1000@0", "\(path)+0x1000@0x100000000"].map {
      try #require(try RawMemory($0))
    }
    let dump = try MachineDump(raw: parts)
    #expect(dump.format == .raw)
    #expect(dump.machine.cpus.isEmpty)
    #expect(dump.machine.map.map(\.start) == [PhysicalAddress(0), PhysicalAddress(1 << 32)])
    #expect(try dump.machine.memory.read(PhysicalAddress(0xfff), count: 1).copy() == [3])
    #expect(try dump.machine.memory.read(PhysicalAddress(1 << 32), count: 1).copy() == [4])
  }

  @Test func holesAreZerosThatAreNotRead() throws {
    let directory = try ScratchDirectory()
    let path = directory.file("ram")
    try Tool.run("truncate", "-s", "64M", path, in: directory)
    try Tool.run(
      "dd", "if=/dev/urandom", "of=\(path)", "bs=4096", "count=1", "seek=4096", "conv=notrunc",
      in: directory)
    let memory = try MachineDump(raw: [RawMemory(path: path)]).machine.memory
    let data: UInt64 = 4096 * 4096
    guard case .zeros(data) = memory.run(at: PhysicalAddress(0), limit: .max) else {
      Issue.record("the hole is read")
      return
    }
    guard case .bytes = memory.run(at: PhysicalAddress(data), limit: .max) else {
      Issue.record("the data isn't there")
      return
    }
    #expect(memory.segments.map(\.count).reduce(0, +) == 64 << 20)
  }

  @Test func whatTheFileLacksAndWhatOverlapsIsSaid() throws {
    let directory = try ScratchDirectory()
    let path = try directory.write([UInt8](repeating: 1, count: 4096), to: "ram")
    let machine = try MachineDump(raw: [RawMemory(path: path, size: 8192)]).machine
    #expect(throws: PhysicalFault(address: PhysicalAddress(4096), reason: .truncated)) {
      try machine.memory.read(PhysicalAddress(4095), count: 2)
    }
    #expect(machine.diagnostics.count == 1)
    #expect(
      throws: MachineDumpError.overlappingRawMemory(first: path, second: path, address: "0x800")
    ) {
      try MachineDump(
        raw: [RawMemory(path: path), RawMemory(path: path, address: PhysicalAddress(0x800))])
    }
    let empty = try directory.write("", to: "empty")
    #expect(throws: MachineDumpError.noMemory(path: empty)) {
      try MachineDump(raw: [RawMemory(path: empty)])
    }
    #expect(throws: MachineDumpError.self) { try MachineDump(raw: []) }
  }
}
