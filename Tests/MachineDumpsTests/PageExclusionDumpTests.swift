import Bytes
import HostSystem
import ObjectFiles
import Targets
import TestWorlds
import Testing

@testable import MachineDumps

/// Pages that a dump level leaves out.
@Suite struct PageExclusionDumpTests {
  private static let page = 4096

  /// 1024 pages of bytes that tell where they belong, but for page 3, which is zeros, and pages 500
  /// to 509, which are absent.
  private static func machine() -> Machine {
    let low = SyntheticMachine.pattern(0, 500 * page, zeros: 3 * page..<4 * page)
    let high = SyntheticMachine.pattern(UInt64(510 * page), 514 * page)
    return Machine(
      memory: PhysicalMemory([
        SyntheticMachine.bytes(0, low),
        SyntheticMachine.segment(UInt64(500 * page), UInt64(10 * page), .absent(.truncated)),
        SyntheticMachine.bytes(UInt64(510 * page), high),
      ]), map: [SyntheticMachine.entry(0, UInt64(1024 * page), at: 0)],
      cpus: [SyntheticMachine.cpu])
  }

  private static func options(_ options: inout VMCoreOptions, _ level: DumpLevel) {
    options.level = level
    var pages = PageExclusion()
    pages.exclude(10..<20, as: .cache)
    pages.exclude(100..<400, as: .free)
    pages.exclude(505..<515, as: .user)
    pages.exclude(1020..<1024, as: .free)
    options.exclusion = pages
  }

  @Test func kdumpsLeaveThemOutOfTheSecondBitmap() throws {
    let (bytes, summary) = try writeKdump(Self.machine()) { Self.options(&$0, .all) }
    let dump = try ReadKdump(bytes)
    #expect(dump.subheader.dumpLevel == 31)
    #expect(dump.machinePages.count == 1024)
    let out = Set<UInt64>([10..<20, 100..<400, 500..<515, 1020..<1024].joined())
    #expect(Array(dump.dumpedPages) == (0..<1024 as Range<UInt64>).filter { !out.contains($0) })
    // Zeros share a page, as after makedumpfile.
    #expect(try dump.page(3, .zstd) == [UInt8](repeating: 0, count: Self.page))
    #expect(summary.filtered == 0)
    let page = UInt64(Self.page)
    #expect(summary.excluded == [.cache: 10 * page, .free: 304 * page, .user: 5 * page])
    #expect(summary.absent == [.truncated: 10 * page])
  }

  @Test func elfFilesLeaveOutAMegabyteAndMore() throws {
    let scratch = try ScratchDirectory()
    var options = VMCoreOptions(format: .elf)
    Self.options(&options, .all)
    let summary = try VMCoreWriter(Self.machine(), options).write(to: scratch.file("out"))
    let bytes = ByteView(copying: try scratch.read("out"))
    let loads = try ELFDump(bytes).segments.filter { $0.type == .load }
    let page = UInt64(Self.page)
    #expect(loads.map { $0.physicalAddress.rawValue / page } == [0, 400, 510])
    // What is left out at an end is left out even if it is little.
    #expect(loads.map { $0.fileSize / page } == [100, 100, 510])
    #expect(loads.map { $0.memorySize / page } == [400, 100, 514])
    #expect(summary.excluded == [.free: 304 * page])
    #expect(summary.absent == [.truncated: 10 * page])
    // Too few to be left out, and so they are there.
    for (load, source) in zip(loads, [0, 400 * Self.page, 510 * Self.page]) {
      let found = try bytes.subview(at: load.fileOffset.rawValue, count: load.fileSize).copy()
      let expected = SyntheticMachine.pattern(
        UInt64(source), found.count,
        zeros: source == 0 ? 3 * Self.page..<4 * Self.page : 0..<0)
      #expect(found == expected)
    }
  }

  /// Mapped files are read past their mapping, and no byte is another.
  @Test func bytesOfMappedFilesAreReadFromTheFile() throws {
    let scratch = try ScratchDirectory()
    let contents = SyntheticMachine.pattern(0x123, 5 << 20, zeros: 0x10_0000..<0x18_0000)
    let path = try scratch.write(contents, to: "memory")
    let file = try MappedFile.open(path)
    // Neither end is at a border of the file's pages.
    let view = file.bytes.clampedSubview(at: 100, count: (5 << 20) - 4096)
    let machine = Machine(
      memory: PhysicalMemory([
        PhysicalSegment(
          start: PhysicalAddress(0), count: UInt64(view.count), contents: .bytes(view))
      ]), map: [SyntheticMachine.entry(0, UInt64(view.count), at: 0)], cpus: [])
    var writer = VMCoreWriter(machine, VMCoreOptions(format: .raw))
    writer.files = [file]
    let summary = try writer.write(to: scratch.file("out"))
    #expect(try scratch.read("out") == view.copy())
    #expect(summary.zeros > 0x7_0000)
  }

  /// A file that was cut meanwhile is an error, not a signal.
  @Test func aFileThatShrankIsAnError() throws {
    let scratch = try ScratchDirectory()
    let path = try scratch.write([UInt8](repeating: 7, count: 1 << 20), to: "memory")
    let file = try MappedFile.open(path)
    let machine = Machine(
      memory: PhysicalMemory([
        PhysicalSegment(start: PhysicalAddress(0), count: 1 << 20, contents: .bytes(file.bytes))
      ]), map: [SyntheticMachine.entry(0, 1 << 20, at: 0)], cpus: [])
    try Tool.run("truncate", "-s", "300000", path, in: scratch)
    var writer = VMCoreWriter(machine, VMCoreOptions(format: .raw))
    writer.files = [file]
    #expect(throws: VMCoreError.host(.unexpectedEnd(path: path, offset: 300000))) {
      try writer.write(to: scratch.file("out"))
    }
  }
}
