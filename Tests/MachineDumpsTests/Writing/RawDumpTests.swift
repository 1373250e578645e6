import Bytes
import HostSystem
import MachineDumps
import Targets
import TestWorlds
import Testing

@Suite struct RawDumpTests {
  private let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  private func options(_ change: (inout VMCoreOptions) -> Void = { _ in }) -> VMCoreOptions {
    var options = VMCoreOptions(format: .raw)
    change(&options)
    return options
  }

  @Test func eachByteIsAtItsAddress() throws {
    let machine = SyntheticMachine.machine(gap: .present)
    let summary = try VMCoreWriter(machine, options()).write(to: scratch.file("ram"))
    #expect(summary.fileSize == 0x1_0004_0000)
    #expect(summary.written == 0xa0000 + 0x10_0000 + 0x4_0000)
    let file = try MappedFile.open(scratch.file("ram"))
    #expect(file.size == summary.fileSize)
    for part in SyntheticMachine.parts {
      #expect(
        try file.bytes.subview(at: part.start, count: UInt64(part.bytes.count)).copy()
          == part.bytes)
    }
    // Four gigabytes, but no more room than what isn't zero.
    let data = try file.dataRanges().reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
    #expect(data <= 0xa0000 + 0x8_0000 + 0x4_0000)
  }

  @Test func absentMemoryIsRefusedUnlessToldOtherwise() throws {
    let path = scratch.file("ram")
    let refusal = VMCoreError.absentMemory(
      first: PhysicalAddress(0x1_0001_0000), count: 0x1_0000, reason: .excluded, total: 0x1_0000)
    #expect(throws: refusal) {
      try VMCoreWriter(SyntheticMachine.machine(), options()).write(to: path)
    }
    #expect("\(refusal)".contains("0x100010000"))
    #expect(throws: HostError.self) { try MappedFile.open(path) }

    let summary = try VMCoreWriter(
      SyntheticMachine.machine(), options { $0.allowsAbsentAsZeros = true }
    ).write(to: path)
    #expect(summary.absent == [.excluded: 0x1_0000])
    #expect(summary.remarks.contains("65536 bytes of absent memory read as zeros"))
    let file = try MappedFile.open(path)
    #expect(
      try file.bytes.subview(at: 0x1_0001_0000, count: 0x1_0000).copy()
        == [UInt8](repeating: 0, count: 0x1_0000))
  }

  /// Nothing that is absent lies in the range.
  @Test func aRangeWithoutAbsentMemoryIsWritten() throws {
    let range = PhysicalAddress(0x800)..<PhysicalAddress(0x3000)
    let summary = try VMCoreWriter(SyntheticMachine.machine(), options { $0.range = range })
      .write(to: scratch.file("ram"))
    #expect(summary.fileSize == 0x3000)
    #expect(
      try scratch.read("ram")
        == [UInt8](repeating: 0, count: 0x800) + SyntheticMachine.low[0x800..<0x3000])
  }
}
