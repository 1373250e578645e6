import Bytes
import TestWorlds
import Testing

@testable import QEMUReplay

@Suite struct ReplayLogTests {
  private static func log(_ build: (inout ReplayLogAssembler) -> Void) -> [UInt8] {
    var log = ReplayLogAssembler()
    build(&log)
    return log.bytes
  }

  /// One of every sort, ended as QEMU ends it.
  private static let whole = log { log in
    log.clock(5)
    log.checkpoint()
    log.instructions(1000)
    log.interrupt()
    log.characters("ls\n")
    log.instructions(234)
    log.blockRequest(3)
    log.packet([1, 2, 3])
    log.random([4, 5, 6, 7])
    log.event(5, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 30, 1])  // a key
    log.event(5, [0, 0, 0, 2, 0, 0, 0, 0] + [UInt8](repeating: 1, count: 8))  // a movement
    log.event(6)
    log.event(26, [0, 0, 0, 0, 0, 0, 0, 2] + [UInt8](repeating: 0, count: 8 + 32))  // sound
    log.event(22, [0, 0, 0, 1, 0, 0, 0, 2])
    log.end()
  }

  private func read(_ bytes: [UInt8]) throws -> ReplayLog {
    try ReplayLog(ByteView(copying: bytes), path: "log.bin")
  }

  @Test func wholeLogIsCounted() throws {
    let log = try read(Self.whole)
    #expect(log.isComplete)
    #expect(log.instructions == 1234)
    #expect(log.events == 16)
    #expect(log.wholeSize == UInt64(Self.whole.count))
    #expect(log.damage == nil)
  }

  /// Wherever a log is cut, what is whole before is counted, and repairing it gives a complete log.
  @Test func everyCutIsRepaired() throws {
    var last: UInt64 = 0
    for length in 12..<Self.whole.count {
      var cut = Array(Self.whole.prefix(length))
      for index in 0..<4 { cut[index] = 0 }
      let log = try read(cut)
      #expect(!log.isComplete)
      #expect(log.wholeSize <= UInt64(length))
      #expect(log.instructions >= last)
      last = log.instructions
      let (header, end) = log.repair
      let repaired = header + cut[4..<Int(log.wholeSize)] + (end ?? [])
      let again = try read(repaired)
      #expect(again.isComplete)
      #expect(again.instructions == log.instructions)
      #expect(again.events == log.events + (end == nil ? 0 : 1))
    }
    #expect(last == 1234)
  }

  @Test func headerThatIsCutShort() {
    #expect(throws: ReplayError.log(path: "log.bin", offset: 0, reason: "the header is cut short"))
    {
      try read([0, 0xe0, 0x20])
    }
  }

  @Test func unknownVersion() {
    #expect(throws: ReplayError.self) {
      try read([0, 0xe0, 0x20, 0x09] + [UInt8](repeating: 0, count: 8))
    }
  }

  @Test func nonsenseEndsTheLog() throws {
    for rest: [UInt8] in [
      [200], [0, 0, 0, 0, 0], [0, 0x80, 0, 0, 0], [5, 0, 0, 0, 9],
      [7, 0, 0xff, 0xff, 0xff, 0xff, 1],
      [26] + [UInt8](repeating: 0xff, count: 16),
    ] {
      let log = try read(Self.log { $0.instructions(10) } + rest)
      #expect(log.instructions == 10)
      #expect(log.wholeSize == 17)
      #expect(log.damage != nil)
      #expect(!log.isComplete)
    }
  }

  /// QEMU 7.1 knew one cause of shutdown less: all codes behind are one less.
  @Test func formIsToldByWhatMakesSense() throws {
    var log = ReplayLogAssembler()
    log.instructions(7)
    log.event(27, [0, 0, 0, 0, 0, 0, 0, 9])  // a clock there; random numbers in 7.2
    log.instructions(200)
    log.instructions(200)
    log.event(38)
    let read = try read(log.bytes)
    #expect(read.isComplete)
    #expect(read.instructions == 407)
  }

  @Test func bytesBehindTheEndAreNoted() throws {
    let log = try read(Self.whole + [1, 2])
    #expect(log.isEnded)
    #expect(log.damage == "2 bytes follow the end")
  }
}
