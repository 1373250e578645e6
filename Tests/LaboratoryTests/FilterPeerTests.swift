import Foundation
import TestWorlds
import Testing
import Varve

/// Dump levels, page by page beside makedumpfile's.
///
/// makedumpfile's own bitmaps end where the kernel's memory does, below the firmware at the end of the
/// first 4 GiB, which Varve keeps: only pages below that end are compared.
@Suite struct FilterPeerTests {
  private static let levels = [1, 2, 4, 8, 16, 30, 31]

  private static func subject() throws -> LaboratoryManifest.Subject {
    try LaboratoryManifest.subject("vm-pc-256-debug")
  }

  private static func qmpDump() throws -> String {
    try #require(try subject().truth["qmp_dump"])
  }

  /// The dump as a kernel would have made it, and makedumpfile's answers: made once.
  private static let peers = Result { try PeerDumps(of: qmpDump(), levels) }

  private func write(
    _ input: String, _ level: Int, _ format: String, in directory: ScratchDirectory
  ) throws -> String {
    let path = directory.file("\(format).\(level)")
    let result = try Command.run(
      ["vmcore", input, "-q", "-o", path, "--format", format, "-d", "\(level)", "--force"],
      in: directory)
    try #require(result.status == 0, "\(result.text)")
    return path
  }

  @Test(arguments: levels) func kdumpsHaveThePagesOfMakedumpfiles(_ level: Int) throws {
    let directory = try ScratchDirectory()
    let expected = try KdumpBitmaps(Self.peers.get().kdump(level))
    #expect(expected.level == level)
    for input in [try Self.qmpDump(), try #require(try Self.subject().core)] {
      let found = try KdumpBitmaps(write(input, level, "kdump-zlib", in: directory))
      #expect(found.level == level)
      let end = expected.pageLimit
      #expect(found.machine.prefix(end) == expected.machine.prefix(end))
      let differing = (0..<end).filter { found.contents[$0] != expected.contents[$0] }
      #expect(differing == [], "level \(level) of \(input)")
      // What lies behind is kept.
      #expect(found.contents.dropFirst(end) == found.machine.dropFirst(end))
    }
  }

  /// `-E` divides memory where a megabyte or more is left out.
  @Test(arguments: levels) func elfFilesHaveTheSegmentsOfMakedumpfiles(_ level: Int) throws {
    let directory = try ScratchDirectory()
    let expected = try ELFDumpFile(Self.peers.get().elf(level))
    let input = try #require(try Self.subject().core)
    let found = try ELFDumpFile(write(input, level, "elf", in: directory))
    let end = PhysicalAddress(UInt64(try Self.pageLimit()) * 4096)
    let isCompared = { (segment: ELFSegment) in segment.physicalAddress < end }
    #expect(
      found.loads.filter(isCompared).map(Self.description)
        == expected.loads.filter(isCompared).map(Self.description))
    // Their bytes are those of QEMU's own dump.
    try found.expectContents(of: ELFDumpFile(Self.qmpDump()), in: directory)
  }

  private static func pageLimit() throws -> Int {
    try KdumpBitmaps(peers.get().kdump(1)).pageLimit
  }

  private static func description(_ segment: ELFSegment) -> String {
    "\(segment.physicalAddress) \(segment.fileSize) \(segment.memorySize)"
  }

  @Test func theSummaryCountsWhatIsLeftOut() throws {
    let directory = try ScratchDirectory()
    let input = try #require(try Self.subject().core)
    let result = try Command.run(
      ["vmcore", input, "-q", "--json", "-o", directory.file("out")]
        + ["--format", "kdump-lzo", "-d", "31"], in: directory)
    // Warnings come before it.
    let json = try #require(result.text.firstIndex(of: "{").map { String(result.text[$0...]) })
    let report = try JSONDecoder().decode(VMCoreReport.self, from: Data(json.utf8))
    let bitmaps = try KdumpBitmaps(directory.file("out"))
    let left = zip(bitmaps.machine, bitmaps.contents).count { $0 && !$1 }
    #expect(report.excluded.values.reduce(0, +) == UInt64(left) * 4096)
    #expect(report.excluded.keys.sorted() == ["cache", "free", "user"])
    #expect(report.filtered == 0)
  }
}

/// What makedumpfile makes of a dump of QEMU's.
private struct PeerDumps {
  private let directory: ScratchDirectory

  init(of dump: String, _ levels: [Int]) throws {
    directory = try ScratchDirectory()
    // makedumpfile wants program headers right behind the ELF header, and memory where the kernel's
    // direct map has it.
    let kernel = directory.file("kernel")
    let result = try Command.run(["vmcore", dump, "-q", "-o", kernel], in: directory)
    try #require(result.status == 0, "\(result.text)")
    try Self.moveToDirectMap(kernel)
    for level in levels {
      try Tool.run("makedumpfile", "-c", "-d", "\(level)", kernel, "kdump.\(level)", in: directory)
      try Tool.run("makedumpfile", "-E", "-d", "\(level)", kernel, "elf.\(level)", in: directory)
    }
  }

  func kdump(_ level: Int) -> String { directory.file("kdump.\(level)") }
  func elf(_ level: Int) -> String { directory.file("elf.\(level)") }

  private static func moveToDirectMap(_ path: String) throws {
    let loads = try ELFDump(MappedFile.open(path).bytes).segments
    let file = try FileHandle(forUpdating: URL(filePath: path))
    for (index, segment) in loads.enumerated() where segment.type == .load {
      // p_vaddr: at 16 of the 56 bytes of each header behind the 64 of the file's.
      try file.seek(toOffset: 64 + UInt64(index) * 56 + 16)
      let address = segment.physicalAddress.rawValue &+ 0xffff_8880_0000_0000
      try file.write(
        contentsOf: Data((0..<8).map { UInt8(truncatingIfNeeded: address >> (8 * $0)) }))
    }
    try file.close()
  }
}

/// The bitmaps of a kdump, read without Varve's own reader.
///
///     0     "KDUMP   ", then 416 bytes of version, names and time
///     424   status, block_size, sub_hdr_size, bitmap_blocks, max_mapnr: 4 each
///     block 1: phys_base (8), dump_level (4), …
///     block 1 + sub_hdr_size: both bitmaps
private struct KdumpBitmaps {
  let level: Int
  let pageLimit: Int
  /// Pages that are memory.
  let machine: [Bool]
  /// Pages whose contents follow.
  let contents: [Bool]

  init(_ path: String) throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    func words(at offset: UInt64, _ count: Int) throws -> [Int] {
      try file.seek(toOffset: offset)
      let bytes = try #require(try file.read(upToCount: count * 4))
      return (0..<count).map { word in
        (0..<4).reduce(0) { $0 | Int(bytes[word * 4 + $1]) << (8 * $1) }
      }
    }
    let header = try words(at: 424, 5)
    let (block, subheader, blocks) = (header[1], header[2], header[3])
    level = try words(at: UInt64(block) + 8, 1)[0]
    pageLimit = header[4]
    try file.seek(toOffset: UInt64(block * (1 + subheader)))
    let bytes = try #require(try file.read(upToCount: block * blocks))
    func bits(_ start: Int) -> [Bool] {
      (0..<header[4]).map { bytes[start + $0 / 8] >> ($0 % 8) & 1 != 0 }
    }
    machine = bits(0)
    contents = bits(block * blocks / 2)
  }
}
