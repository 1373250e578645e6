import Bytes
import HostSystem
import MachineDumps
import ObjectFiles
import Targets
import TestWorlds
import Testing

@Suite struct ELFDumpTests {
  private func dump(
    _ machine: Machine, _ change: (inout VMCoreOptions) -> Void = { _ in }
  ) throws -> (bytes: [UInt8], summary: VMCoreSummary, output: MemoryOutput) {
    var options = VMCoreOptions(format: .elf)
    change(&options)
    let output = MemoryOutput()
    let summary = try VMCoreWriter(machine, options).write(to: output)
    #expect(output.size == summary.fileSize)
    return (output.bytes, summary, output)
  }

  private func segments(_ bytes: [UInt8]) throws -> (CoreFile, [(UInt64, [UInt8], UInt64)]) {
    let core = try CoreFile(ByteView(copying: bytes))
    #expect(core.diagnostics == [])
    #expect(core.kind == .machine)
    return (
      core,
      try core.segments.map { segment in
        let offset = segment.fileOffset.rawValue
        #expect(segment.address.rawValue == segment.physicalAddress.rawValue)
        #expect((offset &- segment.address.rawValue) % 4096 == 0)
        let contents = try core.image.bytes.subview(at: offset, count: segment.fileSize)
        return (segment.physicalAddress.rawValue, contents.copy(), segment.memorySize)
      }
    )
  }

  @Test func absentMemoryIsInNoSegment() throws {
    let (bytes, summary, _) = try dump(SyntheticMachine.machine())
    let (_, found) = try segments(bytes)
    #expect(found.map(\.0) == SyntheticMachine.parts.map(\.start))
    for (segment, part) in zip(found, SyntheticMachine.parts) {
      #expect(segment.1 == part.bytes)
      #expect(segment.2 == UInt64(part.bytes.count))
    }
    #expect(summary.written == 0xa0000 + 0x10_0000 + 0x3_0000)
    #expect(summary.zeros == 0x1000 + 0x8_0000)
    #expect(summary.absent == [.excluded: 0x1_0000])
    #expect(summary.filtered == 0)
    #expect(summary.remarks == [])
  }

  @Test func zerosAreNeverWritten() throws {
    let (_, _, output) = try dump(SyntheticMachine.machine())
    let head = try #require(output.writes.first)
    #expect(head.offset == 0)
    let data = output.writes.dropFirst().reduce(0) { $0 + $1.count }
    #expect(data == 0xa0000 - 0x1000 + 0x8_0000 + 0x3_0000)
  }

  @Test func filteredZerosAreMemoryBeyondTheContents() throws {
    let (bytes, summary, _) = try dump(SyntheticMachine.machine()) { $0.filtersZeroPages = true }
    let (_, found) = try segments(bytes)
    // The single page of zeros in the first block isn't worth a program header.
    #expect(found.map(\.0) == [0, 0x10_0000, 0x1_0000_0000, 0x1_0002_0000])
    #expect(found.map { $0.1.count } == [0xa0000, 0x8_0000, 0x1_0000, 0x2_0000])
    #expect(found.map(\.2) == [0xa0000, 0x10_0000, 0x1_0000, 0x2_0000])
    #expect(found[1].1 == SyntheticMachine.middle)
    #expect(summary.filtered == 0x8_0000)
    #expect(summary.written == 0xa0000 + 0x8_0000 + 0x3_0000)
  }

  /// Zeros at the start, in the midst and at the end of what is read.
  @Test func filteringDividesAtLongRunsOfZeros() throws {
    let zeros = [UInt8](repeating: 0, count: 0x1_0000)
    let data = SyntheticMachine.pattern(0x5000, 0x2000)
    let bytes = zeros + data + zeros + Array(zeros.dropLast(0x1000)) + data + zeros
    let machine = Machine(
      memory: PhysicalMemory([SyntheticMachine.bytes(0x4000, bytes)]),
      map: [SyntheticMachine.entry(0x4000, UInt64(bytes.count), at: 0)],
      cpus: [SyntheticMachine.cpu])
    let (dumped, summary, _) = try dump(machine) { $0.filtersZeroPages = true }
    let (_, found) = try segments(dumped)
    #expect(found.map(\.0) == [0x4000, 0x1_4000, 0x3_5000])
    #expect(found.map { $0.1.count } == [0, 0x2000, 0x2000])
    #expect(found.map(\.2) == [0x1_0000, 0x2_1000, 0x1_2000])
    #expect(summary.filtered == 0x1_0000 + 0x1_f000 + 0x1_0000)
  }

  @Test func aRangeIsAllThereIs() throws {
    let (bytes, summary, _) = try dump(SyntheticMachine.machine()) {
      $0.range = PhysicalAddress(0x1234)..<PhysicalAddress(0x10_0010)
    }
    let (_, found) = try segments(bytes)
    #expect(found.map(\.0) == [0x1234, 0x10_0000])
    #expect(found[0].1 == Array(SyntheticMachine.low[0x1234...]))
    #expect(found[1].1 == Array(SyntheticMachine.middle[..<0x10]))
    #expect(summary.absent == [:])
    #expect(throws: VMCoreError.self) {
      try dump(SyntheticMachine.machine()) {
        $0.range = PhysicalAddress(0xa_0000)..<PhysicalAddress(0xb_0000)
      }
    }
  }

  /// Every second page of 560 MiB is there: more program headers than e_phnum can count.
  @Test func manySegmentsNeedSectionZero() throws {
    let page = ByteView(copying: SyntheticMachine.pattern(1, 16))
    let count = UInt64(70_000)
    let memory = PhysicalMemory(
      (0..<count).map {
        SyntheticMachine.segment($0 * 0x2000, 16, .bytes(page))
      })
    let machine = Machine(
      memory: memory, map: [SyntheticMachine.entry(0, count * 0x2000, at: 0)],
      cpus: [SyntheticMachine.cpu])
    let scratch = try ScratchDirectory()
    let summary = try VMCoreWriter(machine, VMCoreOptions(format: .elf))
      .write(to: scratch.file("vmcore"))
    #expect(summary.absent == [.unmapped: count * (0x2000 - 16)])
    let header = try Tool.run("readelf", "-hW", "vmcore", in: scratch)
    #expect(header.contains("65535 (70001)"))
    let file = try MappedFile.open(scratch.file("vmcore"))
    let core = try CoreFile(file.bytes)
    #expect(core.segments.count == 70_000)
    let last = try #require(core.segments.last)
    #expect(last.physicalAddress == PhysicalAddress((count - 1) * 0x2000))
    #expect(
      try file.bytes.subview(at: last.fileOffset.rawValue, count: last.fileSize).copy()
        == page.copy())
  }

  @Test func readelfSeesWhatWasWritten() throws {
    let scratch = try ScratchDirectory()
    var options = VMCoreOptions(format: .elf)
    options.vmcoreInfo = ByteView(copying: "OSRELEASE=6.1\n".utf8)
    _ = try VMCoreWriter(SyntheticMachine.machine(), options).write(to: scratch.file("vmcore"))
    let listing = try Tool.run("readelf", "-hlnW", "vmcore", in: scratch)
    #expect(!listing.contains("Warning") && !listing.contains("Error"))
    let loads = listing.split(separator: "\n").filter { $0.contains(" LOAD ") }
      .map { $0.split(separator: " ").dropFirst(2).prefix(4).joined(separator: " ") }
    #expect(
      loads == [
        "0x0000000000000000 0x0000000000000000 0x0a0000 0x0a0000",
        "0x0000000000100000 0x0000000000100000 0x100000 0x100000",
        "0x0000000100000000 0x0000000100000000 0x010000 0x010000",
        "0x0000000100020000 0x0000000100020000 0x020000 0x020000",
      ])
    let notes = listing.split(separator: "\n").filter { $0.contains(" 0x000") && $0.contains("\t") }
      .map { $0.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ") }
    #expect(notes == ["CORE 0x00000150", "QEMU 0x000001b8", "VMCOREINFO 0x0000000e"])
  }

  /// As QEMU has it for CPUs outside long mode without memory at 4 GiB.
  @Test func machinesOf32BitsHaveFilesOf32Bits() throws {
    let memory = PhysicalMemory([SyntheticMachine.bytes(0, SyntheticMachine.low)])
    let map = [SyntheticMachine.entry(0, 0xa0000, at: 0)]
    let (bytes, _, _) = try dump(
      Machine(memory: memory, map: map, cpus: [SyntheticMachine.protectedModeCPU]))
    let scratch = try ScratchDirectory()
    try scratch.write(bytes, to: "vmcore")
    let listing = try Tool.run("readelf", "-hlnW", "vmcore", in: scratch)
    #expect(!listing.contains("Warning") && !listing.contains("Error"))
    #expect(listing.contains("ELF32") && listing.contains("Intel 80386"))
    #expect(listing.contains("0x00000000 0x00000000 0xa0000 0xa0000"))
    let dump = try ELFDump(ByteView(copying: bytes))
    let load = try #require(dump.segments.last)
    #expect(
      try dump.bytes.subview(at: load.fileOffset.rawValue, count: load.fileSize).copy()
        == SyntheticMachine.low)
    #expect(dump.notes.map(\.descriptor.count) == [144, 440])
  }

  /// The file is the same whoever writes it: several threads, one, or a stream.
  @Test func threadsAndStreamsWriteTheSame() throws {
    let expected = try dump(SyntheticMachine.machine()).bytes
    let scratch = try ScratchDirectory()
    for threads in [1, 3] {
      var options = VMCoreOptions(format: .elf)
      options.threadCount = threads
      _ = try VMCoreWriter(SyntheticMachine.machine(), options)
        .write(to: scratch.file("vmcore-\(threads)"))
      #expect(try scratch.read("vmcore-\(threads)") == expected)
    }
  }

  /// The page cache is filled fastest by pieces that are aligned to their size there.
  @Test func noWriteCrossesAMultipleOf128KiB() throws {
    let output = MemoryOutput()
    let summary = try VMCoreWriter(
      SyntheticMachine.machine(), VMCoreOptions(format: .elf)
    ).write(to: output)
    #expect(
      output.writes.allSatisfy { $0.offset >> 17 == ($0.offset + UInt64($0.count) - 1) >> 17 })
    // The headers, then the blocks: each in as few writes as borders and zeros allow.
    let contents = output.writes.dropFirst().reduce(0) { $0 + $1.count }
    #expect(UInt64(contents) == summary.written - summary.zeros)
    #expect(output.writes.count <= 1 + (6 + 1) + 5 + 2 + 2)
  }

  /// A page that goes away between the survey and the copy is an error, not zeros.
  @Test func memoryThatVanishesIsAnError() throws {
    let source = VanishingSource(views: 1)
    let machine = Machine(
      memory: PhysicalMemory([SyntheticMachine.segment(0, 0x1000, .source(source, offset: 0))]),
      map: [SyntheticMachine.entry(0, 0x1000, at: 0)], cpus: [])
    let fault = PhysicalFault(address: PhysicalAddress(0), reason: .unmapped)
    #expect(throws: VMCoreError.vanished(fault)) { try dump(machine) }
  }

  /// A map may claim what it will: nothing is done for each page of it.
  @Test(arguments: [false, true]) func zerosCostNothing(filters: Bool) throws {
    let size: UInt64 = 1 << 60
    let machine = Machine(
      memory: PhysicalMemory([
        SyntheticMachine.segment(0, size, .zeros),
        SyntheticMachine.segment(size, size, .absent(.truncated)),
      ]), map: [SyntheticMachine.entry(0, 2 * size, at: 0)], cpus: [])
    var options = VMCoreOptions(format: .elf)
    options.filtersZeroPages = filters
    let output = MemoryOutput()
    let summary = try VMCoreWriter(machine, options).write(to: output)
    #expect(summary.zeros == (filters ? 0 : size))
    #expect(summary.filtered == (filters ? size : 0))
    #expect(summary.absent == [.truncated: size])
    #expect(output.writes.count == 1)
    // A file of that size can't be had.
    let scratch = try ScratchDirectory()
    if !filters {
      #expect(throws: VMCoreError.self) {
        try VMCoreWriter(machine, options).write(to: scratch.file("vmcore"))
      }
    }
  }

  @Test func memoryInTooManyPiecesIsRefused() throws {
    let machine = Machine(
      memory: PhysicalMemory([
        SyntheticMachine.segment(0, 1 << 40, .source(CheckeredSource(), offset: 0))
      ]), map: [SyntheticMachine.entry(0, 1 << 40, at: 0)], cpus: [])
    #expect(throws: VMCoreError.tooFragmented(ranges: 1 << 20 + 1, limit: 1 << 20)) {
      try dump(machine)
    }
  }
}
