import Foundation
import TestWorlds
import Testing

/// lldb as the client of a recording. It runs forwards by its own commands; backwards it goes by the packets
/// of the protocol, after which it shows the registers of its last stop until the next one.
@Suite(
  "lldb and recordings", .enabled(if: RecordedGuest.isPossible && Tool.exists("lldb")), .serialized)
struct ReplayLLDBTests {
  /// The program counters that lldb printed for `register read rip`.
  private func counters(_ text: String) -> [Substring] {
    text.split(separator: "\n").compactMap { line in
      line.contains("rip = 0x") ? line.split(separator: "= ").last : nil
    }
  }

  /// As a stop reply holds it: `10:` and the bytes, the lowest first.
  private func field(_ counter: Substring) -> String {
    let digits = Array(counter.dropFirst(2))
    let pairs = stride(from: 0, to: digits.count, by: 2).map { String(digits[$0..<$0 + 2]) }
    return "10:\(pairs.reversed().joined());"
  }

  @Test func stepsSeeksAndGoesBack() throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    _ = try guest.record()
    let socket = guest.scratch.file("lldb.socket")
    let server = try RunningTool(
      Command.path, "replay", guest.path, "--listen", "unix:" + socket, in: guest.scratch,
      errorsToo: true)
    while !(try server.readLine().contains("in gdb: target remote")) {}
    let script = """
      settings set use-color false
      settings set plugin.process.gdb-remote.packet-timeout 600
      target create --arch x86_64-unknown-linux-gnu ""
      process connect unix-connect://\(socket)
      process plugin packet monitor seek 60%
      thread step-inst
      register read rip
      thread step-inst
      register read rip
      memory read --size 8 --format x --count 2 $rsp
      process plugin packet send bs
      process plugin packet send bs
      process plugin packet monitor when
      thread step-inst
      register read rip
      process plugin packet send bc
      process plugin packet monitor when
      process plugin packet monitor seek 60%
      thread step-inst
      breakpoint set -H -a $rip
      register read rip
      thread step-inst
      process plugin packet send bc
      process plugin packet monitor when
      process detach
      """
    try guest.scratch.write(script + "\n", to: "script.lldb")
    let text = try Tool.run(
      "timeout", "500", "lldb", "--no-lldbinit", "-b", "-s", guest.scratch.file("script.lldb"),
      in: guest.scratch)
    let counters = counters(text)
    try #require(counters.count == 4, "\(text)")
    // Two steps, two back, one forward: where one step leads.
    #expect(counters[0] != counters[1])
    #expect(counters[2] == counters[0])
    let answers = text.split(separator: "\n").filter { $0.hasPrefix("response: T05") }
    #expect(answers.count == 4, "\(text)")
    #expect(answers.first?.contains(field(counters[0])) == true, "\(text)")
    // Where the breakpoint is: the last place before that it stops at.
    #expect(answers.last?.contains(field(counters[3])) == true, "\(text)")
    // Nothing is set that could stop a run backwards.
    #expect(answers.dropFirst(2).first?.contains("replaylog:begin") == true, "\(text)")
    #expect(text.contains("instruction 0 (0.00%)"), "\(text)")
    #expect(text.count(of: "(60.00%)") >= 4, "\(text)")
    #expect(text.contains("stop reason = instruction step into"), "\(text)")
    #expect(server.end(by: SIGTERM).status == 0)
  }
}

extension String {
  fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
