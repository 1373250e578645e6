import Foundation
import LinuxGuest
import Reports
import Testing

/// How a kernel's log is written.
@Suite struct KernelLogReportTests {
  private static let clock = KernelClock(
    realTime: 1_795_251_642_000_000_000, monotonic: 2_000_000_000, sinceBoot: 2_000_000_000,
    source: nil)

  private func report(
    _ records: [LogRecord], filter: LogFilter = LogFilter(), clock: KernelClock? = clock
  ) -> KernelLogReport {
    KernelLogReport(
      file: "core", release: "6.1", log: KernelLog(form: .ring, records: records), clock: clock,
      filter: filter)
  }

  private static let record = LogRecord(
    sequence: 7, nanoseconds: 1_234_567_899, level: 4, facility: 3,
    origin: LogOrigin(thread: 42), text: "one\ntwo: \u{1b}[31m\ttab")

  private func text(_ options: (inout LogTextOptions) -> Void) -> String {
    var wanted = LogTextOptions()
    options(&wanted)
    return report([Self.record]).text(.plain, wanted)
  }

  @Test func linesAreWrittenAsDmesgWritesThem() {
    #expect(text { _ in } == "[    1.234567] one\n               two: \\x1b[31m\ttab")
    #expect(
      text { $0.repeatsPrefix = true } == "[    1.234567] one\n[    1.234567] two: \\x1b[31m\ttab")
    #expect(text { $0.isRaw = true }.hasPrefix("<28>[    1.234567] one\n"))
    #expect(text { $0.decodes = true }.hasPrefix("daemon:warn  : [    1.234567] one\n"))
    #expect(text { $0.showsCallers = true }.hasPrefix("[    1.234567] [   T42] one\n"))
    #expect(text { $0.times = .none } == "one\ntwo: \\x1b[31m\ttab")
    #expect(text { $0.times = .calendar }.hasPrefix("[Sat Nov 21 09:00:41 2026] one\n"))
  }

  @Test func longTimesAreNotCut() {
    let late = LogRecord(sequence: 0, nanoseconds: .max, level: 6, facility: 200, text: "")
    #expect(report([late], clock: nil).text(.plain) == "[18446744073.709551] ")
    var options = LogTextOptions()
    options.decodes = true
    #expect(report([late], clock: nil).text(.plain, options).hasPrefix("200   :info  : ["))
  }

  @Test func coloursAreThoseOfDmesg() {
    let lines = report([Self.record]).text(TextStyle(isColored: true)).split(separator: "\n")
    #expect(lines[0] == "\u{1b}[32m[    1.234567] \u{1b}[0m\u{1b}[1mone\u{1b}[0m")
    let named = LogRecord(
      sequence: 0, nanoseconds: 0, level: 3, facility: 0, text: "ata1.00: failed command")
    #expect(
      report([named]).text(TextStyle(isColored: true)).hasSuffix(
        "\u{1b}[33mata1.00: \u{1b}[0m\u{1b}[31mfailed command\u{1b}[0m"))
  }

  @Test func filtersKeepWhatPasses() {
    let records = (0..<8).map {
      LogRecord(
        sequence: $0, nanoseconds: $0 * 1_000_000_000, level: UInt8($0), facility: 0, text: "x")
    }
    #expect(
      report(records, filter: LogFilter(levels: [3, 5])).records.map(\.sequence) == [3, 5])
    #expect(
      report(records, filter: LogFilter(since: 2_000_000_000, until: 4_500_000_000)).records
        .map(\.sequence) == [2, 3, 4])
  }

  @Test func reportsSurviveJSON() throws {
    let report = report([Self.record])
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(KernelLogReport.self, from: data) == report)
    #expect(report.records[0].time?.iso == "2026-11-21T09:00:41.234567Z")
    #expect(
      String(decoding: data, as: UTF8.self).contains(#""time":"2026-11-21T09:00:41.234567Z""#))
  }

  /// Against the C library's calendar.
  @Test(arguments: [
    (Int64(0), "Thu Jan  1 00:00:00 1970"), (951_782_400, "Tue Feb 29 00:00:00 2000"),
    (-1, "Wed Dec 31 23:59:59 1969"), (4_107_542_399, "Sun Feb 28 23:59:59 2100"),
    (4_107_542_400, "Mon Mar  1 00:00:00 2100"), (1_795_251_641, "Sat Nov 21 09:00:41 2026"),
  ])
  func calendarDatesAreRight(seconds: Int64, text: String) {
    let time = CivilTime(nanoseconds: seconds * 1_000_000_000)
    #expect(time.text == text)
    #expect(CivilTime(iso: time.iso) == time)
  }

  @Test func whatIsNoTimeIsRefused() {
    for text in ["", "2026-13-01T00:00:00.000000Z", "2026-02-30T00:00:00.000000Z", "x", "1-2-3"] {
      #expect(CivilTime(iso: text) == nil)
    }
    for nanoseconds in [Int64.min, .max] {
      #expect(CivilTime(iso: CivilTime(nanoseconds: nanoseconds).iso) != nil)
    }
  }
}
