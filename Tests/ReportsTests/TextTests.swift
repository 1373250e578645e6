import Testing

@testable import Reports

@Suite struct TextTests {
  private func frame() -> FrameReport {
    FrameReport(
      level: 3, pc: "0x7f81", showsAddress: true, function: "read_all", offset: 9,
      arguments: "fd=3", file: "io.c", line: 12, evidence: ".eh_frame")
  }

  @Test func framesLookLikeGDBs() {
    #expect(frame().text(.plain) == "#3  0x0000000000007f81 in read_all (fd=3) at io.c:12")
    var inlined = frame()
    inlined.showsAddress = false
    #expect(inlined.text(.plain) == "#3  read_all (fd=3) at io.c:12")
    var nameless = frame()
    nameless.function = nil
    nameless.file = nil
    nameless.arguments = nil
    nameless.module = "/usr/lib/libc.so.6"
    nameless.library = "/lib/libc.so.6"
    #expect(nameless.text(.plain) == "#3  0x0000000000007f81 in ?? () from /lib/libc.so.6")
  }

  @Test func aGuessIsCalledAGuess() {
    var guessed = frame()
    guessed.guess = true
    guessed.evidence = "frame pointer"
    #expect(guessed.text(.plain).hasSuffix("at io.c:12 [guess: frame pointer]"))
  }

  @Test func anIncompleteStackSaysWhy() {
    let stack = StackReport(
      frames: [frame()],
      stop: StopReport(complete: false, reason: "caller's CFA unknown: rbp was not saved"))
    #expect(
      stack.text(.plain).hasSuffix(
        "\nBacktrace stopped: caller's CFA unknown: rbp was not saved"))
    let whole = StackReport(
      frames: [frame()], stop: StopReport(complete: true, reason: "end of stack"))
    #expect(whole.text(.plain) == frame().text(.plain))
  }

  @Test func hostileTextCantSteerTheTerminal() {
    #expect(TextStyle.visible("a\u{1b}[31mb\u{9b}c\n") == "a\\x1b[31mb\\x9bc\\x0a")
    #expect(TextStyle.visible("\u{202e}x") == "\\x202ex")
    let colored = TextStyle(isColored: true).paint("f\u{7}", .function)
    #expect(colored == "\u{1b}[33mf\\x07\u{1b}[0m")
  }

  @Test func amountsAreRounded() {
    #expect(MemoryReport.amount(0) == "0 bytes")
    #expect(MemoryReport.amount(1023) == "1023 bytes")
    #expect(MemoryReport.amount(1536) == "1.5 KiB")
    #expect(MemoryReport.amount(5 << 30) == "5.0 GiB")
    #expect(MemoryReport.amount(.max) == "16777215.9 TiB")
  }
}
