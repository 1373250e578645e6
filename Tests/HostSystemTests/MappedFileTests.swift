import Bytes
import Foundation
import Glibc
import HostSystem
import SystemPackage
import TestWorlds
import Testing

@Suite struct MappedFileTests {
  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  @Test func mapsARegularFile() throws {
    let path = try scratch.write("hello, file", to: "a")
    let file = try MappedFile.open(path)
    #expect(file.size == 11)
    #expect(String(decoding: file.bytes) == "hello, file")
    #expect(file.path == path)
  }

  @Test func emptyFileHasNoBytes() throws {
    let file = try MappedFile.open(try scratch.write("", to: "empty"))
    #expect(file.bytes.isEmpty)
    #expect(try file.dataRanges() == [])
    try file.advise(0..<100, .dontNeed)
  }

  @Test func worksOnReadOnlyFileInReadOnlyDirectory() throws {
    try Tool.run("mkdir", "d", in: scratch)
    try scratch.write("x", to: "d/f")
    try Tool.run("chmod", "-R", "a-w", "d", in: scratch)
    #expect(try MappedFile.open(scratch.file("d/f")).size == 1)
    try Tool.run("chmod", "-R", "u+w", "d", in: scratch)
  }

  @Test func refusesWhatIsNotAFile() throws {
    try Tool.run("mkfifo", "fifo", in: scratch)
    for (path, kind) in [
      (scratch.path, "directory"), (scratch.file("fifo"), "pipe"),
      ("/dev/null", "character device"),
    ] {
      #expect(throws: HostError.notRegularFile(path: path, kind: kind)) {
        try MappedFile.open(path)
      }
    }
  }

  @Test func missingFileIsNamed() throws {
    let path = scratch.file("nothing")
    let error = #expect(throws: HostError.self) { try MappedFile.open(path) }
    #expect(error == .system(call: "stat", path: path, code: .noSuchFileOrDirectory))
    #expect(error?.isAbsence == true)
    #expect(error?.description == "\(path): No such file or directory (stat)")
  }

  @Test func dataRangesShowHoles() throws {
    let path = try Self.sparseFile(scratch)
    let file = try MappedFile.open(path)
    #expect(file.size == 3 << 20)
    #expect(try file.dataRanges() == [1 << 20..<(1 << 20) + 4096])
    #expect(
      try file.file.dataRanges(in: (1 << 20) + 100..<(1 << 20) + 200)
        == [(1 << 20) + 100..<(1 << 20) + 200])
    #expect(try file.file.dataRanges(in: 0..<100) == [])
  }

  /// 3 MiB of which only the page at 1 MiB holds data.
  static func sparseFile(_ scratch: ScratchDirectory) throws -> String {
    try Tool.run("truncate", "-s", "3M", "sparse", in: scratch)
    try Tool.run("sh", "-c", "head -c 4096 /dev/zero | tr '\\0' 'x' > page", in: scratch)
    try Tool.run(
      "dd", "if=page", "of=sparse", "bs=4096", "seek=256", "conv=notrunc", "status=none",
      in: scratch)
    return scratch.file("sparse")
  }

  @Test func adviceNeverChangesContents() throws {
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let file = try MappedFile.open(try scratch.write(bytes, to: "f"))
    for advice in [MappedFile.Advice.sequential, .willNeed, .dontNeed] {
      try file.advise(1..<99_999, advice)
      try file.advise(0..<UInt64.max, advice)
      try file.advise(5000..<5001, advice)
      #expect(file.bytes.copy() == bytes)
    }
  }

  @Test(arguments: [4096, 8192, 1 << 20], [0, 1, 7, 4095])
  func scanSeesEveryByteOnceAndOverlaps(window: Int, overlap: Int) throws {
    let bytes = (0..<50_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    let file = try OpenFile.open(try scratch.write(bytes, to: "f"))
    let reader = PositionedReader(file, windowSize: window)
    var next: UInt64 = 3
    try reader.scan(3..<60_000, overlap: overlap) { offset, span in
      #expect(offset.rawValue == (next == 3 ? 3 : next - UInt64(overlap)))
      for index in span.byteOffsets where span[index] != bytes[Int(offset.rawValue) + index] {
        Issue.record("wrong byte at \(offset) + \(index)")
      }
      next = offset.rawValue + UInt64(span.byteCount)
      return true
    }
    #expect(next == 50_001)
  }

  @Test func scanStopsWhenTold() throws {
    let file = try OpenFile.open(
      try scratch.write([UInt8](repeating: 1, count: 20_000), to: "f"))
    var windows = 0
    try PositionedReader(file, windowSize: 4096).scan(0..<20_000) { _, _ in
      windows += 1
      return windows < 2
    }
    #expect(windows == 2)
  }

  @Test func hostFacts() throws {
    #expect(Host.pageSize == 4096 || Host.pageSize == 16384 || Host.pageSize == 65536)
    let cpus = try Tool.run("nproc", "--all", in: scratch)
    #expect((1...(Int(cpus.dropLast()) ?? 0)).contains(Host.processorCount))
    #expect(Host.environment("PATH") == ProcessInfo.processInfo.environment["PATH"])
    #expect(Host.environment("VARVE_NO_SUCH_VARIABLE") == nil)
    #expect(!Host.isTerminal(-1))
  }
}
