import Bytes
import Compression
import HostSystem
import ObjectFiles
import Synchronization
import Targets
import TestWorlds
import Testing

@testable import MachineDumps

@Suite struct KdumpWriterTests {
  @Test(arguments: PageCompression.allCases)
  func everyPageReadsBack(compression: PageCompression) throws {
    let machine = MachineBuilder.varied.machine
    let (bytes, summary) = try writeKdump(machine, compression)
    let dump = try ReadKdump(bytes)
    #expect(dump.header.status == compression.kdumpFlag)
    #expect(dump.header.name.machine == "x86_64")
    #expect(dump.subheader.pageLimit == 0x10_0010)
    let pages = Array(UInt64(0)..<1000) + Array(UInt64(0x10_0000)..<0x10_0010)
    #expect(dump.machinePages == pages)
    #expect(dump.dumpedPages == pages)
    for page in pages.prefix(40) + pages[595..<610] + pages[1000...] {
      let expected = try machine.memory.read(PhysicalAddress(page * 4096), count: 4096)
      #expect(try dump.page(page, compression) == expected.copy(), "\(page)")
    }
    #expect(summary.written == 1016 * 4096)
    #expect(summary.zeros == (400 + 172) * 4096)
    #expect(summary.filtered == 0 && summary.absent.isEmpty)
  }

  /// What a reader says of how much is there is what it then gives, whatever the borders.
  @Test func presentBytesAreCountedWithoutReading() throws {
    let (bytes, _) = try writeKdump(MachineBuilder.varied.machine, .zlib) {
      $0.filtersZeroPages = true
    }
    let directory = try ScratchDirectory()
    let dump = try MachineDump(opening: directory.write(bytes, to: "dump"))
    let memory = dump.machine.memory
    for (first, count) in [
      (0, 1000 * 4096), (0, 64), (4000, 200), (4096 * 63, 8192), (5, 2_000_000),
    ]
      as [(UInt64, UInt64)]
    {
      guard case .source(let source, let offset) = memory.segments[0].contents else {
        Issue.record("no source")
        return
      }
      var held: UInt64 = 0
      memory.forEachRun(in: PhysicalAddress(first)..<PhysicalAddress(first + count)) { _, run in
        if case .absent = run { return }
        held += run.count
      }
      #expect(source.presentCount(from: offset + first, count: count) == held, "\(first) \(count)")
    }
  }

  @Test func pagesOfZerosShareOne() throws {
    let dump = try ReadKdump(try writeKdump(MachineBuilder.varied.machine).bytes)
    let zeros = dump.descriptors.filter {
      $0.size == 4096 && $0.offset == dump.descriptors[0].offset
    }
    #expect(zeros.count == 572)
    // Noise is stored as it is, and nothing else is.
    #expect(dump.descriptors.count { $0.flags == 0 } == 572 + 86)
    // Packed pages lie one behind the other.
    var next = dump.descriptors[0].offset + 4096
    for descriptor in dump.descriptors where descriptor.offset != dump.descriptors[0].offset {
      #expect(descriptor.offset == next)
      next += UInt64(descriptor.size)
    }
  }

  @Test(arguments: PageCompression.allCases)
  func theNumberOfThreadsDoesNotShow(compression: PageCompression) throws {
    let machine = MachineBuilder.varied.machine
    let one = try writeKdump(machine, compression) { $0.threadCount = 1 }
    for count in [2, 3, 8] {
      let more = try writeKdump(machine, compression) { $0.threadCount = count }
      #expect(more.bytes == one.bytes, "\(count)")
      #expect(more.summary == one.summary)
    }
  }

  @Test func zerosCanBeFiltered() throws {
    let (bytes, summary) = try writeKdump(MachineBuilder.varied.machine) {
      $0.filtersZeroPages = true
    }
    let dump = try ReadKdump(bytes)
    #expect(dump.subheader.dumpLevel == 1)
    #expect(dump.machinePages.count == 1016)
    #expect(dump.dumpedPages.count == 1016 - 572)
    #expect(dump.dumpedPages.prefix(3) == [2, 3, 4])
    #expect(try dump.page(0, .zstd) == nil)
    #expect(try dump.page(3, .zstd) == MachineBuilder.page(3))
    #expect(summary.filtered == 572 * 4096)
    #expect(summary.zeros == 0)
    #expect(summary.written == (1016 - 572) * 4096)
  }

  @Test func absentMemoryIsInTheFirstBitmapOnly() throws {
    var builder = MachineBuilder()
    builder.addMap(0, 10 * 4096)
    builder.add(0, MachineBuilder.page(0))
    builder.add(4096, 4096, .absent(.truncated))
    builder.add(2 * 4096, MachineBuilder.page(2))
    // Of page 3 nothing is said. Page 4 is half there, page 5 in two halves, page 6 half zeros.
    builder.add(4 * 4096, Array(MachineBuilder.page(4)[..<2048]))
    builder.add(5 * 4096, Array(MachineBuilder.page(5)[..<2048]))
    builder.add(5 * 4096 + 2048, Array(MachineBuilder.page(5)[2048...]))
    builder.add(6 * 4096, 2048, .zeros)
    builder.add(6 * 4096 + 2048, Array(MachineBuilder.page(6)[..<2048]))
    builder.add(7 * 4096, 3 * 4096, .absent(.excluded))
    let (bytes, summary) = try writeKdump(builder.machine)
    let dump = try ReadKdump(bytes)
    #expect(dump.machinePages == Array(0..<10))
    #expect(dump.dumpedPages == [0, 2, 5, 6])
    #expect(try dump.page(5, .zstd) == MachineBuilder.page(5))
    #expect(
      try dump.page(6, .zstd)
        == [UInt8](repeating: 0, count: 2048) + MachineBuilder.page(6)[..<2048])
    #expect(
      summary.absent == [.truncated: 4096, .unmapped: 2 * 4096, .excluded: 3 * 4096])
    #expect(summary.written == 4 * 4096)
  }

  @Test func memoryThatEndsWithinAPage() throws {
    var builder = MachineBuilder()
    builder.addMap(0x1800, 0x1000)
    builder.add(0x1800, [UInt8](repeating: 7, count: 0x1000))
    // Not dumped: a device's memory and flash.
    builder.addMap(0x8000, 0x1000, .romDevice)
    builder.add(0x8000, MachineBuilder.page(8))
    let dump = try ReadKdump(try writeKdump(builder.machine).bytes)
    #expect(dump.dumpedPages == [1, 2])
    let half = [UInt8](repeating: 7, count: 2048)
    let none = [UInt8](repeating: 0, count: 2048)
    #expect(try dump.page(1, .zstd) == none + half)
    #expect(try dump.page(2, .zstd) == half + none)
  }

  @Test func onlyTheRangeAskedFor() throws {
    let range = PhysicalAddress(3 * 4096 + 5)..<PhysicalAddress(6 * 4096 + 1)
    let (bytes, summary) = try writeKdump(MachineBuilder.varied.machine) { $0.range = range }
    let dump = try ReadKdump(bytes)
    #expect(dump.dumpedPages == [3, 4, 5, 6])
    #expect(dump.machinePages == [3, 4, 5, 6])
    #expect(try dump.page(5, .zstd) == MachineBuilder.page(5))
    #expect(summary.written == 4 * 4096 && summary.absent.isEmpty)
    let nowhere = PhysicalAddress(1 << 30)..<PhysicalAddress(1 << 31)
    #expect(throws: VMCoreError.nothingToWrite(range: nowhere)) {
      try writeKdump(MachineBuilder.varied.machine) { $0.range = nowhere }
    }
    #expect(throws: VMCoreError.nothingToWrite(range: nil)) {
      try writeKdump(MachineBuilder().machine)
    }
  }

  @Test func fetchedMemory() throws {
    struct Source: PageSource {
      func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
        switch offset / 4096 % 3 {
        case 0:
          .bytes(
            ByteView(
              copying: MachineBuilder.page(offset / 4096)[Int(offset % 4096)...].prefix(1000)
            )
            .clampedSubview(at: 0, count: limit))
        case 1: .zeros(count: min(limit, 4096 - offset % 4096))
        default: .absent(.excluded, count: min(limit, 4096 - offset % 4096))
        }
      }
    }
    var builder = MachineBuilder()
    builder.addMap(0x10000, 300 * 4096)
    builder.add(0x10000, 300 * 4096, .source(Source(), offset: 0))
    let (bytes, summary) = try writeKdump(builder.machine, .lzo)
    let dump = try ReadKdump(bytes)
    #expect(dump.dumpedPages.prefix(4) == [16, 17, 19, 20])
    #expect(try dump.page(16 + 297, .lzo) == MachineBuilder.page(297))
    #expect(summary.absent == [.excluded: 100 * 4096])
    #expect(summary.zeros == 100 * 4096)
  }

  @Test func notesAndKernelText() throws {
    var builder = MachineBuilder()
    builder.addMap(0, 0x4000)
    var memory = [UInt8](repeating: 0, count: 0x4000)
    for (index, text) in ["Linux", "host", "6.1.0-9", "#1 SMP", "x86_64", "(none)"].enumerated() {
      memory.replaceSubrange(
        0x2abc + index * 65..<0x2abc + index * 65 + text.utf8.count, with: text.utf8)
    }
    builder.add(0, memory)
    let notes = [UInt8](repeating: 0x5a, count: 5000)
    let text = """
      OSRELEASE=6.1.0-9
      SYMBOL(init_uts_ns)=ffffffff81002ab8
      OFFSET(uts_namespace.name)=4
      NUMBER(phys_base)=-16777216
      CRASHTIME=1700000000

      """
    let info = ByteView(copying: text.utf8)
    let dump = try ReadKdump(
      try writeKdump(builder.machine, notes: notes) { $0.vmcoreInfo = info }.bytes)
    #expect(dump.header.seconds == 1_700_000_000)
    #expect(dump.header.subheaderBlocks == 2)
    #expect(dump.subheader.physicalBase == UInt64(bitPattern: -16_777_216))
    #expect(try dump.contents(dump.subheader.notes) == notes)
    #expect(try dump.contents(dump.subheader.vmcoreInfo) == Array(text.utf8))
    #expect(dump.header.name.node == "host")
    #expect(dump.header.name.version == "#1 SMP")
    #expect(dump.machinePages == [0, 1, 2, 3])

    // A text that leads nowhere gives only what it says itself.
    let other = ByteView(copying: text.replacing("81002ab8", with: "91002ab8").utf8)
    let lost = try ReadKdump(try writeKdump(builder.machine) { $0.vmcoreInfo = other }.bytes)
    #expect(lost.header.name.system == "Linux")
    #expect(lost.header.name.release == "6.1.0-9")
    #expect(lost.header.name.node.isEmpty && lost.header.name.version.isEmpty)
    #expect(lost.subheader.notes.count == 0)
  }

  @Test func mapsThatLieEndSoon() throws {
    var builder = MachineBuilder()
    builder.add(0, MachineBuilder.page(0))
    builder.addMap(0, 1 << 50)
    #expect(throws: VMCoreError.self) { try writeKdump(builder.machine) }
    builder.map = []
    builder.addMap(.max - 4095, 4096)
    #expect(throws: VMCoreError.self) { try writeKdump(builder.machine) }
    // 64 GiB of which nothing is there costs nothing but its bits.
    builder.map = []
    builder.addMap(0, 1 << 36)
    let (bytes, summary) = try writeKdump(builder.machine)
    #expect(summary.written == 4096)
    #expect(summary.absent == [.unmapped: 1 << 36 - 4096])
    #expect(bytes.count < 5 << 20)
  }

  @Test func aFullDiskIsReported() throws {
    let machine = MachineBuilder.varied.machine
    let options = VMCoreOptions(format: .kdumpZstd)
    let size = try writeKdump(machine).bytes.count
    for capacity in [0, 100, 4096, 8192, 40960, 300_000, size / 2, size - 1] {
      for threads in [1, 4] {
        var limited = options
        limited.threadCount = threads
        let output = KdumpOutput()
        output.capacity = UInt64(capacity)
        #expect(throws: VMCoreError.self, "\(capacity)") {
          try KdumpWriter(machine, compression: .zstd, options: limited, notes: [])
            .write(to: output)
        }
        #expect(!output.isFinished)
      }
    }
  }

  @Test func bytesAreLetGoInOrder() throws {
    let released = Mutex<[Range<Int>]>([])
    var writer = KdumpWriter(
      MachineBuilder.varied.machine, compression: .snappy,
      options: VMCoreOptions(format: .kdumpSnappy), notes: [])
    writer.release = { view in
      released.withLock { $0.append(view.storageOffset..<view.storageOffset + view.count) }
    }
    _ = try writer.write(to: KdumpOutput())
    #expect(released.withLock { $0 } == [0..<600 * 4096, 0..<16 * 4096])
  }
}
