import Bytes
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

  @Test func knowsTheRegistersOfAArch64() async throws {
    let machine = try ServedMachine(ArmMachine(), at: .loopback(port: 0))
    defer { machine.close() }
    let text = try await lldb(
      machine, "target list", "register read x0 x29 sp pc cpsr", "register read x30", "continue")
    #expect(text.contains("arch=aarch64-"))
    #expect(text.contains("stop reason = signal SIGSEGV\n    frame #0: 0x0000000000001000\n"))
    #expect(text.contains("->  0x1000: svc    #0\n"))
    #expect(text.contains(" x0 = 0x0123456789abcdef\n"))
    #expect(text.contains("x29 = 0x0000000000002000\n"))
    #expect(text.contains(" sp = 0x0000000000001ff0\n"))
    #expect(text.contains(" pc = 0x0000000000001000\n"))
    #expect(text.contains("cpsr = 0x60000005\n"))
    #expect(text.contains("x30          = error: unavailable\n"))
  }
}

/// An AArch64 process that crashed at `svc #0`, and of which little is known.
private struct ArmMachine: DebuggableTarget {
  let description = TargetDescription.aarch64()

  func threads() -> [RemoteThread] { [RemoteThread(id: .first, name: "arm")] }

  func currentStop() -> Stop { Stop(.signal(11), thread: .first) }

  func registers(of thread: ThreadID) -> RegisterValues {
    var values = RegisterValues(description)
    values["x0"] = 0x0123_4567_89ab_cdef
    values["x29"] = 0x2000
    values["sp"] = 0x1ff0
    values["pc"] = 0x1000
    values["cpsr"] = 0x6000_0005
    return values
  }

  func readMemory(
    at address: VirtualAddress, count: Int, thread: ThreadID
  ) throws(RemoteError) -> [UInt8] {
    guard (0x1000..<0x3000).contains(address.rawValue) else {
      throw .memory(address, reason: "excluded")
    }
    let code: [UInt8] = [0x01, 0, 0, 0xd4]
    return (address.rawValue..<min(address.rawValue + UInt64(count), 0x3000)).map {
      code[Int($0 % 4)]
    }
  }
}
