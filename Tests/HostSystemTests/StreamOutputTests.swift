import Bytes
import Glibc
import SystemPackage
import TestWorlds
import Testing

@testable import HostSystem

@Suite struct StreamOutputTests {
  private func view(_ text: String) -> ByteView { ByteView(copying: text.utf8) }

  private func pipes() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    // Safe: the array has room for both descriptors.
    try #require(unsafe pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  @Test func gapsAreZeros() throws {
    let scratch = try ScratchDirectory()
    let descriptor = unsafe open(scratch.file("out"), O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    let output = try StreamOutput(duplicating: descriptor, path: "out")
    try output.write(view("abc").bytes, at: 1)
    try output.write(view("def").bytes, at: 200_000)
    try output.finish(size: 200_010)
    var expected = [UInt8](repeating: 0, count: 200_010)
    expected.replaceSubrange(1..<4, with: "abc".utf8)
    expected.replaceSubrange(200_000..<200_003, with: "def".utf8)
    #expect(try scratch.read("out") == expected)
    #expect(output.position == 200_010)
    #expect(throws: HostError.outOfOrder(path: "out", offset: 5, position: 200_010)) {
      try output.write(view("x").bytes, at: 5)
    }
  }

  /// The process survives, and no signal is left pending.
  @Test func aReaderThatWentAwayIsAnError() throws {
    let (read, write) = try pipes()
    let output = try StreamOutput(duplicating: write, path: "pipe")
    close(write)
    close(read)
    #expect(throws: HostError.system(call: "write", path: "pipe", code: .brokenPipe)) {
      try output.write(view("abc").bytes, at: 0)
    }
    var pending = sigset_t()
    unsafe sigpending(&pending)
    #expect(unsafe sigismember(&pending, SIGPIPE) == 0)
  }

  /// A full pipe that doesn't block is waited for.
  @Test func aDescriptorThatDoesNotBlockIsWaitedFor() async throws {
    let (read, write) = try pipes()
    #expect(fcntl(write, F_SETFL, O_NONBLOCK) == 0)
    let bytes = ByteView(copying: (0..<500_000).map { UInt8(truncatingIfNeeded: $0 / 7) })
    let reader = Task.detached { () -> [UInt8] in
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 10_000)
      while true {
        // Safe: the buffer has room for as much.
        let count = unsafe Glibc.read(read, &buffer, buffer.count)
        if count <= 0 { break }
        all += buffer[..<count]
      }
      return all
    }
    do {
      let output = try StreamOutput(duplicating: write, path: "pipe")
      close(write)
      try output.write(bytes.bytes, at: 0)
    }
    #expect(await reader.value == bytes.copy())
    close(read)
  }

  @Test func terminalsAreRefused() throws {
    let terminal = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
    try #require(terminal >= 0)
    defer { close(terminal) }
    #expect(throws: HostError.outputIsTerminal(path: "terminal")) {
      try StreamOutput(duplicating: terminal, path: "terminal")
    }
  }
}

@Suite struct ZeroBlocksTests {
  private func runs(_ bytes: [UInt8], at offset: UInt64) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    ByteView(copying: bytes).bytes.forEachDataRun(at: offset) { runs.append($0) }
    return runs
  }

  @Test func blocksAreThoseOfThePlace() {
    var bytes = [UInt8](repeating: 0, count: 3 * 4096)
    #expect(runs(bytes, at: 0) == [])
    bytes[4096] = 1
    #expect(runs(bytes, at: 0) == [4096..<8192])
    // Shifted by one, the byte is the last of a block.
    #expect(runs(bytes, at: 4095) == [1..<4097])
    #expect(runs(bytes, at: .max) == [1..<4097])
    // Both its neighbours are in other blocks.
    #expect(runs(bytes, at: 100) == [3996..<8092])
  }

  @Test func runsAreAsLongAsTheyCanBe() {
    var bytes = [UInt8](repeating: 1, count: 5 * 4096)
    #expect(runs(bytes, at: 7) == [0..<5 * 4096])
    for index in 4096..<8192 { bytes[index] = 0 }
    #expect(runs(bytes, at: 0) == [0..<4096, 8192..<5 * 4096])
    #expect(runs([], at: 3) == [])
    #expect(runs([0], at: 3) == [])
    #expect(runs([5], at: 3) == [0..<1])
  }
}
