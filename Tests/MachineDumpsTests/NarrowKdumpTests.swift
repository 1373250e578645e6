import Bytes
import MachineDumps
import ObjectFiles
import Targets
import TestWorlds
import Testing

/// A kdump-compressed dump of a 32-bit machine, whose headers are arranged otherwise.
@Suite struct NarrowKdumpTests {
  /// Pages 0 and 2 of three, as they are. `machine` is what the kernel calls itself.
  private func dump(machine: String = "i686", blockSize: Int = 4096) -> [UInt8] {
    let note: [UInt8] = little(UInt32(5)) + little(UInt32(144)) + little(UInt32(1))
    let registers =
      [UInt8](repeating: 0, count: 72) + (1...17).flatMap { little(UInt32($0)) } + little(UInt32(0))
    var notes = note
    notes += Array("CORE\0\0\0\0".utf8)
    notes += registers
    var out = ByteAssembler()
    // disk_dump_header
    out.append("KDUMP   ".utf8)
    out.number(UInt32(6))
    for text in ["Linux", "guest", "6.1.0", "#1 SMP", machine, ""] {
      out.append(text.utf8)
      out.append(repeatElement(0, count: 65 - text.utf8.count))
    }
    out.pad(to: 4)
    #expect(out.count == 404)
    // tv_sec, tv_usec, status, block_size, sub_hdr_size, bitmap_blocks, max_mapnr
    for word: UInt32 in [1_700_000_000, 5, 0, UInt32(blockSize), 1, 2, 3] { out.number(word) }
    out.pad(to: blockSize)
    // kdump_sub_header
    for word: UInt32 in [0x100_0000, 1, 0, 0, 0] { out.number(word) }
    out.number(UInt64(0))
    out.number(UInt32(0))
    out.number(UInt64(blockSize + 80))
    out.number(UInt32(notes.count))
    out.number(UInt64(0))
    out.number(UInt32(0))
    for word: UInt64 in [0, 0, 3] { out.number(word) }
    #expect(out.count == blockSize + 80)
    out.append(notes)
    for bits: UInt8 in [0b111, 0b101] {
      out.pad(to: blockSize)
      out.append([bits])
    }
    out.pad(to: blockSize)
    for index in 0..<2 {
      out.number(UInt64((5 + index) * blockSize))
      out.number(UInt32(blockSize))
      out.number(UInt32(0))
      out.number(UInt64(0))
    }
    for value: UInt8 in [1, 3] {
      out.pad(to: blockSize)
      out.append(repeatElement(value, count: blockSize))
    }
    return out.bytes
  }

  private func open(_ bytes: [UInt8]) throws -> Machine {
    let directory = try ScratchDirectory()
    return try MachineDump(opening: directory.write(bytes, to: "dump")).machine
  }

  @Test func memoryAndRegistersAreRead() throws {
    let machine = try open(dump())
    #expect(machine.diagnostics == [])
    #expect(machine.map.map(\.count) == [3 * 4096])
    let page = try machine.memory.read(PhysicalAddress(0x2000), count: 4096).copy()
    #expect(page == [UInt8](repeating: 3, count: 4096))
    #expect(
      throws: PhysicalFault(address: PhysicalAddress(0x1000), reason: .excluded)
    ) { try machine.memory.read(PhysicalAddress(0x1000), count: 1) }
    let cpu = try #require(machine.cpus.first)
    #expect(cpu.x86[X86CPUState.General.rbx] == 1)
    #expect(cpu.x86.rip == 13)
  }

  /// No library reads what this one doesn't: damage in a header must not lead into one.
  @Test(arguments: ["s390x", "ppc64", "i68", "armv7l"])
  func dumpsOfOtherMachinesAreRefused(name: String) throws {
    do {
      _ = try open(dump(machine: name))
      Issue.record("a dump of \(name) was read")
    } catch MachineDumpError.unsupportedArchitecture(_, let machine) {
      #expect(machine == name)
    }
  }

  @Test func pagesOfAnotherSizeAreRefused() throws {
    var bytes = dump()
    bytes[416] = 1
    #expect(throws: MachineDumpError.self) { try open(bytes) }
  }

  @Test func everyDamagedByteIsSurvived() throws {
    let whole = dump()
    let directory = try ScratchDirectory()
    for index in Array(0..<464) + Array(4096..<4176) + [8192, 12288] + Array(16384..<16432) {
      for flip: UInt8 in [0xff, 0x01] {
        var bytes = whole
        bytes[index] ^= flip
        do {
          let path = try directory.write(bytes, to: "dump")
          let machine = try MachineDump(opening: path).machine
          for entry in machine.map {
            let end = PhysicalAddress(entry.last.rawValue)
            machine.memory.forEachRun(in: entry.start..<end) { _, run in #expect(run.count > 0) }
          }
        } catch is MachineDumpError {
          // One line says what is wrong.
        }
      }
    }
  }
}
