import GDBRemote
import HostSystem
import TestWorlds
import Testing

/// lldb itself as the client, as far as it goes: it knows nothing of running backwards.
@Suite(.enabled(if: Tool.exists("lldb"))) struct LLDBTests {
  private let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  /// What lldb prints when it is connected to `machine` and does `commands`.
  private func lldb(_ machine: ServedMachine, _ commands: String...) async throws -> String {
    guard case .loopback(let port) = machine.address else { return "" }
    let script =
      ["settings set use-color false", "gdb-remote 127.0.0.1:\(port)"] + commands
      + ["process detach"]
    let directory = directory
    let file = try directory.write(script.joined(separator: "\n") + "\n", to: "script")
    return try await blocking {
      try Tool.run("timeout", "60", "lldb", "--no-lldbinit", "-b", "-s", file, in: directory)
    }
  }

  @Test func readsAndRuns() async throws {
    let target = ToyMachine()
    let machine = try ServedMachine(target, at: .loopback(port: 0))
    defer { machine.close() }
    let text = try await lldb(
      machine, "register read rip rbx rsp cr0", "memory read -s8 -fx -c2 0x2000",
      "disassemble -s 0x1000 -c 4", "thread list", "memory region 0x1000", "memory region 0x2000",
      "thread step-inst", "thread step-inst", "register read rax rip",
      "breakpoint set -a 0x1009", "continue", "continue", "register read rax rip",
      "breakpoint delete 1", "watchpoint set expression -w write -s 8 -- 0x2000", "continue",
      "register read rax rip", "process plugin packet monitor when")
    #expect(text.contains("stop reason = signal SIGTRAP\n    frame #0: 0x0000000000001000\n"))
    #expect(text.contains("rip = 0x0000000000001000\n     rbx = 0x0000000000002000\n"))
    #expect(text.contains("cr0 = 0x0000000080000011\n"))
    #expect(text.contains("0x00002000: 0x0000000000000000 0x0000000000000000\n"))
    #expect(text.contains("    0x1006: movq   (%rbx), %rcx\n    0x1009: jmp    0x1000\n"))
    #expect(text.contains("name = 'CPU <0>'"))
    #expect(text.contains("[0x0000000000001000-0x0000000000002000) r-x toy\n"))
    #expect(text.contains("[0x0000000000002000-0x0000000000004000) rw-\n"))
    #expect(text.contains("rax = 0x0000000000000001\n     rip = 0x0000000000001006\n"))
    #expect(text.contains("stop reason = breakpoint 1.1\n    frame #0: 0x0000000000001009\n"))
    #expect(text.contains("rax = 0x0000000000000002\n     rip = 0x0000000000001009\n"))
    #expect(text.contains("Watchpoint 1 hit:\nold value: 2\nnew value: 3\n"))
    #expect(text.contains("stop reason = watchpoint 1\n    frame #0: 0x0000000000001006\n"))
    #expect(text.contains("instruction 10 of 400\n"))
    try machine.transcript.withLock { try $0.keep("lldb", of: "lldb 14.0.6") }
  }
}
