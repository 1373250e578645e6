import Bytes
import TestWorlds
import Testing

@testable import QEMUReplay

@Suite struct ReplayLogTests {
  private static func log(
    _ form: ReplayLogAssembler.Form = .v7point2, _ build: (inout ReplayLogAssembler) -> Void
  ) -> [UInt8] {
    var log = ReplayLogAssembler(form)
    build(&log)
    return log.bytes
  }

  /// One of every sort, ended as QEMU ends it.
  private static func everything(_ form: ReplayLogAssembler.Form) -> [UInt8] {
    log(form) { log in
      log.clock(5)
      log.checkpoint()
      log.instructions(1000)
      log.interrupt()
      log.characters("ls\n")
      log.instructions(234)
      log.blockRequest(3)
      log.packet([1, 2, 3])
      log.random([4, 5, 6, 7])
      log.key()
      log.movement()
      log.inputSync()
      log.sound()
      log.characterWrite()
      log.end()
    }
  }

  private static let whole = everything(.v7point2)

  private func read(_ bytes: [UInt8], release: QEMURelease? = nil) throws -> ReplayLog {
    try ReplayLog(ByteView(copying: bytes), path: "log.bin", release: release)
  }

  /// Each form that releases have written, by its version and by its release.
  @Test(arguments: [
    (ReplayLogAssembler.Form.v5point2, "5.2.0"), (.v5point2, "7.0.0"), (.v7point1, "7.1.0"),
    (.v7point2, "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"), (.v7point2, "8.2.2"),
    (.v7point2, "10.0.13"), (.v7point2, "11.1.3"), (.v7point2, "99.0"),
  ])
  func everyFormIsRead(_ form: ReplayLogAssembler.Form, _ version: String) throws {
    var bytes = Self.everything(form)
    for release in [nil, QEMURelease(version)] {
      let log = try read(bytes, release: release)
      #expect(log.isComplete)
      #expect(log.version == form.version)
      #expect(log.instructions == 1234)
      #expect(log.events == 16)
      #expect(log.wholeSize == UInt64(bytes.count))
      #expect(log.damage == nil)
    }
    // Killed: the header isn't there, and the repaired one is the release's.
    for index in 0..<4 { bytes[index] = 0 }
    let log = try read(bytes, release: QEMURelease(version))
    #expect(log.isEnded && !log.isComplete)
    #expect(log.repair.header == Array(Self.everything(form).prefix(4)))
  }

  @Test func releases() {
    #expect(QEMURelease("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)") == QEMURelease(7, 2))
    #expect(QEMURelease("10.0") == QEMURelease(10, 0))
    #expect(QEMURelease("") == nil)
    #expect(QEMURelease("unknown") == nil)
    #expect(QEMURelease(7, 2) < QEMURelease(10, 0))
    #expect(QEMURelease(8, 0) < QEMURelease(8, 1))
    // No release is in two rows, and none between the first and the last is in none.
    for major in 5...11 {
      for minor in 0...2 where QEMURelease(major, minor) >= QEMURelease(5, 2) {
        let release = QEMURelease(major, minor)
        let rows = ReplayLogFormat.known.count { $0.releases.contains(release) }
        #expect(rows == 1 || release > QEMURelease(11, 1))
      }
    }
  }

  @Test func touchesCameWith8point1() throws {
    let bytes = Self.log { log in
      log.instructions(10)
      log.touch()
      log.end()
    }
    #expect(try read(bytes).isComplete)
    #expect(try read(bytes, release: QEMURelease(8, 1)).isComplete)
    #expect(try read(bytes, release: QEMURelease(8, 0)).damage == "input of kind 4")
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

  /// QEMU 7.1 knew one cause of shutdown less than 7.2: all codes behind are one less.
  @Test func formIsToldByWhatMakesSense() throws {
    let bytes = Self.log(.v7point1) { log in
      log.instructions(7)
      log.clock(9)  // random numbers in 7.2
      log.instructions(200)
      log.instructions(200)
      log.end()
    }
    let read = try read(bytes)
    #expect(read.isComplete)
    #expect(read.instructions == 407)
  }

  @Test func bytesBehindTheEndAreNoted() throws {
    let log = try read(Self.whole + [1, 2])
    #expect(log.isEnded)
    #expect(log.damage == "2 bytes follow the end")
  }
}
