import Reports
import Testing

@Suite struct FrameReportTests {
  private func frame(_ level: Int) -> FrameReport {
    FrameReport(
      level: level, pc: "0x401136", showsAddress: true, function: "down", arguments: "a=1",
      evidence: ".eh_frame")
  }

  /// gdb's columns: the number takes two digits and a space, or what it needs and a space.
  @Test(arguments: [(0, "#0  0x"), (10, "#10 0x"), (100, "#100 0x"), (12345, "#12345 0x")])
  func numberIsFollowedByASpace(level: Int, beginning: String) {
    #expect(frame(level).text(.plain).hasPrefix(beginning))
  }

  /// A program's own code is printed without the program's name, which is in `module` all the same.
  @Test func onlyALibraryIsNamed() {
    var report = frame(1)
    report.module = "/usr/bin/program"
    #expect(report.text(.plain) == "#1  0x0000000000401136 in down (a=1)")
    #expect(report.text(.plain, raw: true).hasSuffix(" from /usr/bin/program"))
    report.library = "/lib/libx.so.1"
    #expect(report.text(.plain).hasSuffix(" (a=1) from /lib/libx.so.1"))
    report.file = "x.c"
    report.line = 7
    #expect(report.text(.plain).hasSuffix(" (a=1) at x.c:7"))
  }
}
