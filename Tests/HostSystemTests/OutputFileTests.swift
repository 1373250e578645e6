import Bytes
import Foundation
import SystemPackage
import TestWorlds
import Testing

@testable import HostSystem

@Suite struct OutputFileTests {
  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
  }

  private func view(_ text: String) -> ByteView { ByteView(copying: text.utf8) }

  /// Both with and without O_TMPFILE.
  @Test(arguments: [true, false]) func appearsOnlyWhenCommitted(unnamed: Bool) throws {
    let path = scratch.file("out")
    let output = try AtomicOutputFile(path, [], false, triesUnnamed: unnamed)
    try output.write(view("abc").bytes)
    try output.write(view("def").bytes)
    try output.write(view("Z"), at: 1)
    #expect(!FileManager.default.fileExists(atPath: path))
    try output.commit()
    #expect(try scratch.read("out") == Array("aZcdef".utf8))
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
    #expect(mode as? Int == 0o600)
    #expect(try names() == ["out"])
  }

  @Test(arguments: [true, false]) func leavesNothingWithoutCommit(unnamed: Bool) throws {
    do {
      let output = try AtomicOutputFile(scratch.file("out"), [], false, triesUnnamed: unnamed)
      try output.write(view("abc").bytes)
      #expect(try names().count == (unnamed ? 0 : 1))
    }
    #expect(try names() == [])
  }

  @Test(arguments: [true, false]) func refusesToReplaceUnlessTold(unnamed: Bool) throws {
    let path = try scratch.write("old", to: "out")
    #expect(throws: HostError.outputExists(path: path)) { try AtomicOutputFile(path) }
    let output = try AtomicOutputFile(path, [], true, triesUnnamed: unnamed)
    try output.write(view("new").bytes)
    #expect(try scratch.read("out") == Array("old".utf8))
    try output.commit()
    #expect(try scratch.read("out") == Array("new".utf8))
    #expect(try names() == ["out"])
  }

  @Test(arguments: [true, false]) func refusesAFileThatCameMeanwhile(unnamed: Bool) throws {
    let path = scratch.file("out")
    let output = try AtomicOutputFile(path, [], false, triesUnnamed: unnamed)
    try scratch.write("theirs", to: "out")
    #expect(throws: HostError.outputExists(path: path)) { try output.commit() }
    #expect(try scratch.read("out") == Array("theirs".utf8))
  }

  @Test func refusesItsInputUnderAnyName() throws {
    let input = try MappedFile.open(try scratch.write("core", to: "core"))
    try Tool.run("ln", "core", "hard", in: scratch)
    try Tool.run("ln", "-s", "core", "soft", in: scratch)
    for name in ["core", "hard", "soft"] {
      let path = scratch.file(name)
      #expect(throws: HostError.outputIsInput(path: path)) {
        try AtomicOutputFile(path, inputs: [input.identity], replacing: true)
      }
    }
  }

  @Test func refusesDevicesAndDirectories() throws {
    #expect(throws: HostError.notRegularFile(path: "/dev/null", kind: "character device")) {
      try AtomicOutputFile("/dev/null", replacing: true)
    }
    #expect(throws: HostError.notRegularFile(path: scratch.path, kind: "directory")) {
      try AtomicOutputFile(scratch.path, replacing: true)
    }
    #expect(throws: HostError.self) { try AtomicOutputFile(scratch.file("no/such")) }
  }

  @Test func copiesRangesAndKeepsHoles() throws {
    let source = try OpenFile.open(try MappedFileTests.sparseFile(scratch))
    let output = try AtomicOutputFile(scratch.file("out"))
    try output.write(view("head"), at: 0)
    try output.copy(0..<3 << 20, of: source, to: 4096)
    try output.copy((1 << 20) + 1..<(1 << 20) + 11, of: source, to: (4 << 20) + 3)
    try output.commit()
    let written = try MappedFile.open(scratch.file("out"))
    #expect(written.size == (4 << 20) + 13)
    let original = try scratch.read("sparse")
    let copy = written.bytes.copy()
    #expect(Array(copy[4096..<4096 + (3 << 20)]) == original)
    #expect(Array(copy[((4 << 20) + 3)...]) == [UInt8](repeating: 0x78, count: 10))
    let data = try written.dataRanges().reduce(0) { $0 + $1.count }
    #expect(data <= 4 * 4096)
  }

  @Test func copyingBeyondTheSourceFails() throws {
    let source = try OpenFile.open(try scratch.write("1234", to: "f"))
    let output = try AtomicOutputFile(scratch.file("out"))
    #expect(throws: HostError.unexpectedEnd(path: scratch.file("f"), offset: 5)) {
      try output.copy(0..<5, of: source, to: 0)
    }
  }

  /// From one file system to another, where the kernel itself can't copy.
  @Test(.enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm")))
  func copiesBetweenFileSystems() throws {
    let path = "/dev/shm/varve-test-\(UUID().uuidString)"
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 11) }
    try Data(bytes).write(to: URL(filePath: path))
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path) } }
    let output = try AtomicOutputFile(scratch.file("out"))
    try output.copy(5..<3_000_000, of: OpenFile.open(path), to: 7)
    try output.commit()
    #expect(Array(try scratch.read("out")[7...]) == Array(bytes[5...]))
  }

  @Test func sparseWritesLeaveHoles() throws {
    var bytes = [UInt8](repeating: 0, count: 10 * 4096 + 17)
    bytes[3 * 4096 + 5] = 1
    bytes[4 * 4096 + 5] = 1
    bytes[10 * 4096 + 16] = 9
    let output = try AtomicOutputFile(scratch.file("out"))
    try output.writeSparsely(ByteView(copying: bytes).bytes, at: 4096)
    try output.commit()
    let written = try MappedFile.open(scratch.file("out"))
    #expect(Array(written.bytes.copy()[4096...]) == bytes)
    let data: [Range<UInt64>] = [4 * 4096..<6 * 4096, 11 * 4096..<11 * 4096 + 17]
    #expect(try written.dataRanges() == data)
  }

  @Test func temporaryFileHasNoName() throws {
    let file = try TemporaryFile(purpose: "test", in: scratch.path)
    try file.append(ByteView(copying: [UInt8](repeating: 0, count: 1 << 16)).bytes)
    try file.append(view("tail").bytes)
    try file.append(ByteView(copying: [UInt8](repeating: 0, count: 1 << 16)).bytes)
    #expect(try names() == [])
    let mapped = try file.map()
    #expect(mapped.size == 2 * (1 << 16) + 4)
    #expect(String(decoding: mapped.bytes.clampedSubview(at: 1 << 16, count: 4)) == "tail")
    #expect(try mapped.dataRanges() == [1 << 16..<(1 << 16) + 4096])
  }

  @Test func fileWithoutNameWhereItNeedsOneFirst() throws {
    let descriptor = try UnnamedFile.openAndUnlink(in: scratch.path, for: "test")
    let file = try OpenFile(adopting: descriptor, path: "test")
    #expect(try file.size() == 0)
    #expect(try names() == [])
  }

  @Test func temporaryFileNamesItsMissingDirectory() throws {
    let error = #expect(throws: HostError.self) {
      try TemporaryFile(purpose: "test", in: "/no/such")
    }
    #expect(error?.description.contains("/no/such") == true)
  }

  /// Whatever the file system, what was set aside and given back is a hole that reads as zeros.
  @Test func roomThatIsGivenBackIsAHole() throws {
    let output = try AtomicOutputFile(scratch.file("out"))
    if output.reserve(0..<1 << 20) { try output.giveBack(4096..<1 << 20) }
    try output.write(view("abc"), at: 0)
    try output.finish(size: 1 << 20)
    try output.commit()
    // Before anything reads it: cached pages of what was set aside count as data.
    let file = try OpenFile.open(scratch.file("out"))
    let ranges = try file.dataRanges(in: 0..<1 << 20)
    #expect(ranges == [0..<4096])
    let bytes = try scratch.read("out")
    #expect(bytes.count == 1 << 20 && bytes.prefix(3) == [97, 98, 99])
    #expect(bytes.dropFirst(3).allSatisfy { $0 == 0 })
  }
}
