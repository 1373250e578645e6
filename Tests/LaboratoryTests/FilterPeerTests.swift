import Foundation
import TestWorlds
import Testing
import Varve

/// Dump levels, page by page beside makedumpfile's.
///
/// makedumpfile's own bitmaps end where the kernel's memory does, below the firmware at the end of the
/// first 4 GiB, which Varve keeps: only pages below that end are compared.
@Suite struct FilterPeerTests {
  private static let levels =
    LaboratoryManifest.isEverythingWanted ? Array(1...31) : [1, 2, 4, 8, 16, 30, 31]

  private static func subject() throws -> LaboratoryManifest.Subject {
    try LaboratoryManifest.subject("vm-pc-256-debug")
  }

  private static func qmpDump() throws -> String {
    try #require(try subject().truth["qmp_dump"])
  }

  /// The dump as a kernel would have made it: made once.
  private static let peer = Result { try DumpPeer(of: qmpDump(), tool: "makedumpfile") }

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
    let expected = try KdumpBitmaps(Self.peer.get().kdump(level, in: directory))
    #expect(expected.level == level)
    for input in [try Self.qmpDump(), try #require(try Self.subject().core)] {
      try expectPages(write(input, level, "kdump-zlib", in: directory), expected)
    }
  }

  private func expectPages(_ path: String, _ expected: KdumpBitmaps) throws {
    let found = try KdumpBitmaps(path)
    #expect(found.level == expected.level)
    let end = expected.pageLimit
    #expect(found.machine.prefix(end) == expected.machine.prefix(end))
    let differing = (0..<end).filter { found.contents[$0] != expected.contents[$0] }
    #expect(differing == [])
    // What lies behind is kept.
    #expect(found.contents.dropFirst(end) == found.machine.dropFirst(end))
  }

  // MARK: Other kernels

  /// Debian 12's makedumpfile takes slab pages of 6.12 for anonymous ones, and the tails of 7.2's huge
  /// pages for something else; unstable's doesn't.
  private static let newer = LaboratoryManifest.subjects.first { $0.name == "peer-unstable" }

  private static let kernels = LaboratoryManifest.subjects.filter {
    $0.kind == "kernel-core"
      && (LaboratoryManifest.isEverythingWanted || $0.name == "kernel-6.12-cloud-idle")
  }

  @Test(.enabled(if: newer != nil, "no peer-unstable: lab build peer-unstable"), arguments: kernels)
  func pagesOfEveryKernelAreMakedumpfiles(_ subject: LaboratoryManifest.Subject) throws {
    let directory = try ScratchDirectory()
    let dump = try #require(subject.truth["qmp_dump"])
    let peer = try DumpPeer(of: dump, tool: try #require(Self.newer).path + "/makedumpfile")
    let isWhole = LaboratoryManifest.isEverythingWanted && subject.scenario == "idle"
    for level in isWhole ? Array(1...31) : [31] {
      let expected = try KdumpBitmaps(peer.kdump(level, in: directory))
      try expectPages(write(dump, level, "kdump-zlib", in: directory), expected)
    }
  }

  // MARK: ELF files

  /// `-E` divides memory where a megabyte or more is left out.
  @Test(arguments: levels) func elfFilesHaveTheSegmentsOfMakedumpfiles(_ level: Int) throws {
    let directory = try ScratchDirectory()
    let peer = try Self.peer.get()
    let expected = try ELFDumpFile(peer.elf(level, in: directory))
    let input = try #require(try Self.subject().core)
    let found = try ELFDumpFile(write(input, level, "elf", in: directory))
    let end = PhysicalAddress(
      UInt64(try KdumpBitmaps(peer.kdump(1, in: directory)).pageLimit) * 4096)
    let isCompared = { (segment: ELFSegment) in segment.physicalAddress < end }
    #expect(
      found.loads.filter(isCompared).map(Self.description)
        == expected.loads.filter(isCompared).map(Self.description))
    // Their bytes are those of QEMU's own dump.
    try found.expectContents(of: ELFDumpFile(Self.qmpDump()), in: directory)
  }

  private static func description(_ segment: ELFSegment) -> String {
    "\(segment.physicalAddress) \(segment.fileSize) \(segment.memorySize)"
  }

  // MARK: Readers

  /// What drgn says of every task, and of its stack up to user mode, whose memory is left out.
  private static let script = """
    from drgn import FaultError
    from drgn.helpers.linux.pid import for_each_task
    for task in for_each_task(prog):
        print(task.pid.value_(), task.comm.string_())
        try:
            for frame in prog.stack_trace(task):
                if frame.pc < 1 << 63:
                    break
                print(frame)
        except ValueError as error:
            print(error)
        # Of what ended: how drgn says it depends on the dump's format.
        except FaultError as error:
            print("nothing at", hex(error.address))
    """

  /// At level 31 nothing is missing that debuggers of kernels look at.
  @Test(arguments: LaboratoryManifest.isEverythingWanted ? ["kdump-zstd", "elf"] : ["kdump-zstd"])
  func drgnAndCrashSayTheSame(_ format: String) throws {
    let directory = try ScratchDirectory()
    let subject = try LaboratoryManifest.subject("kernel-6.1-cloud-busy")
    let whole = try #require(subject.truth["qmp_dump"])
    let filtered = try write(try #require(subject.core), 31, format, in: directory)
    let vmlinux = try #require(subject.vmlinux)
    let drgn = try LaboratoryManifest.subject("peer-drgn").path
    try directory.write(Self.script, to: "tasks.py")
    try directory.write("ps\nforeach bt\nquit\n", to: "commands")
    var commands = ["'\(drgn)' -q -s '\(vmlinux)' -c DUMP tasks.py"]
    if let crash = Self.newer?.path {
      commands.append("'\(crash)/crash' -s -i commands '\(vmlinux)' DUMP < /dev/null 2>&1")
    }
    for command in commands {
      let answers = try [whole, filtered].map {
        try Tool.run(
          "bash", "-c", command.replacing("DUMP", with: "'\($0)'"), in: directory, mayFail: true)
      }
      #expect(answers[0].split(separator: "\n").count > 500)
      #expect(answers[0] == answers[1], "\(command)")
    }
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
private struct DumpPeer {
  private let tool: String
  private let directory: ScratchDirectory
  private var kernel: String { directory.file("kernel") }

  init(of dump: String, tool: String) throws {
    self.tool = tool
    directory = try ScratchDirectory()
    // makedumpfile wants program headers right behind the ELF header, and memory where the kernel's
    // direct map has it.
    let kernel = directory.file("kernel")
    let result = try Command.run(["vmcore", dump, "-q", "-o", kernel], in: directory)
    try #require(result.status == 0, "\(result.text)")
    try Self.moveToDirectMap(kernel)
  }

  /// Its path in `directory`.
  func kdump(_ level: Int, in directory: ScratchDirectory) throws -> String {
    try make("-c", level, in: directory)
  }

  func elf(_ level: Int, in directory: ScratchDirectory) throws -> String {
    try make("-E", level, in: directory)
  }

  private func make(_ form: String, _ level: Int, in directory: ScratchDirectory) throws -> String {
    let name = "makedumpfile\(form).\(level)"
    try Tool.run(
      "bash", "-c", "'\(tool)' \(form) -f -d \(level) '\(kernel)' \(name)", in: directory)
    return directory.file(name)
  }

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
