import Foundation
import GDBRemote
import HostSystem
import Synchronization
import TestWorlds
import Testing

/// gdb itself as the client.
@Suite(.enabled(if: Tool.exists("gdb"))) struct GDBTests {
  private let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  /// What gdb prints when it is connected to `machine` and does `commands`.
  private func gdb(_ machine: ServedMachine, _ commands: String...) async throws -> String {
    let target =
      switch machine.address {
      case .unix(let path): path
      case .loopback(let port): "127.0.0.1:\(port)"
      }
    let script =
      ["set pagination off", "set confirm off", "set remotetimeout 100", "target remote \(target)"]
      + commands + ["detach"]
    let directory = directory
    let file = try directory.write(script.joined(separator: "\n") + "\n", to: "script")
    return try await blocking {
      try Tool.run("timeout", "300", "gdb", "-nx", "-batch", "-x", file, in: directory)
    }
  }

  private func serve(_ target: any DebuggableTarget) throws -> ServedMachine {
    try ServedMachine(target, at: .unix(path: directory.file("gdb")))
  }

  @Test func readsRegistersMemoryAndThreads() async throws {
    let machine = try serve(ToyMachine(at: 42))
    defer { machine.close() }
    let text = try await gdb(
      machine, "info registers rax rip eflags cr0 efer fs_base", "x/4i $pc", "x/gx 0x2000",
      "info threads", "print $cr0", "print $xmm0",
      "python\ntry: gdb.selected_inferior().read_memory(0x9000, 8)\nexcept gdb.MemoryError as e: print(e)\nend"
    )
    #expect(text.contains("rax            0xb "))
    #expect(text.contains("rip            0x1006 "))
    #expect(text.contains("eflags         0x202               [ IOPL=0 IF ]"))
    #expect(text.contains("efer           0xd00               [ NXE LMA LME ]"))
    #expect(text.contains("[ PG ET PE ]"))
    #expect(text.contains("=> 0x1006:\tmov    (%rbx),%rcx\n   0x1009:\tjmp    0x1000"))
    #expect(text.contains("0x2000:\t0x000000000000000b"))
    #expect(text.contains("* 1    Thread 1 \"CPU <0>\" (running) 0x0000000000001006 in ?? ()"))
    #expect(text.contains("fs_base        <unavailable>"))
    #expect(text.contains("$2 = <unavailable>"))
    #expect(text.contains("Cannot access memory at address 0x9000"))
    try machine.transcript.withLock { try $0.keep("gdb-reading", of: "gdb 13.1") }
  }

  @Test func stepsBothWays() async throws {
    let machine = try serve(ToyMachine(at: 8))
    defer { machine.close() }
    let count = 10
    let steps = (0..<count).flatMap { _ in ["stepi", "print $rax"] }
    let back = (0..<count).flatMap { _ in ["reverse-stepi", "print $rax"] }
    let file = try directory.write((steps + back).joined(separator: "\n"), to: "steps")
    let text = try await gdb(machine, "source \(file)")
    let values = text.split(separator: "\n").filter { $0.hasPrefix("$") }
      .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    #expect(
      values == [3, 3, 3, 3, 4, 4, 4, 4, 5, 5] + [5, 4, 4, 4, 4, 3, 3, 3, 3, 2])
    try machine.transcript.withLock { try $0.keep("gdb-steps", of: "gdb 13.1") }
  }

  @Test func stopsAtBreakpointsWatchpointsAndEnds() async throws {
    let target = ToyMachine(length: 400)
    let machine = try serve(target)
    defer { machine.close() }
    let text = try await gdb(
      machine, "break *0x1003 if $rax == 57 || *(long *) 0x2000 == 70", "continue",
      "print $rax", "continue", "print $rax", "delete", "watch *(long *) 0x2000", "continue",
      "reverse-continue", "reverse-continue", "delete", "rwatch *(long *) 0x2000",
      "continue", "delete", "awatch *(long *) 0x2000", "reverse-continue", "delete",
      "hbreak *0x1009", "continue", "info registers rip", "delete", "continue",
      "print $rax", "reverse-continue", "print $rax")
    // The first condition is true before the counter's 57th write, the second before its 71st.
    #expect(text.contains("Breakpoint 1, 0x0000000000001003 in ?? ()\n$1 = 57"))
    #expect(text.contains("Breakpoint 1, 0x0000000000001003 in ?? ()\n$2 = 71"))
    #expect(
      text.contains("Hardware watchpoint 2: *(long *) 0x2000\n\nOld value = 70\nNew value = 71"))
    #expect(
      text.contains("Hardware watchpoint 2: *(long *) 0x2000\n\nOld value = 71\nNew value = 70"))
    #expect(
      text.contains("Hardware watchpoint 2: *(long *) 0x2000\n\nOld value = 70\nNew value = 69"))
    #expect(text.contains("Hardware read watchpoint 3: *(long *) 0x2000\n\nValue = 70"))
    #expect(text.contains("Hardware access (read/write) watchpoint 4: *(long *) 0x2000"))
    #expect(text.contains("Breakpoint 5, 0x0000000000001009 in ?? ()"))
    #expect(
      text.contains("No more reverse-execution history.\n0x0000000000001000 in ?? ()\n$3 = 100"))
    #expect(
      text.contains("No more reverse-execution history.\n0x0000000000001000 in ?? ()\n$4 = 0"))
    // gdb saw each true condition once, and none of the false ones.
    #expect(
      target.resumptions.filter { !$0.breakpoints.allSatisfy(\.conditions.isEmpty) }.count <= 3)
    try machine.transcript.withLock { try $0.keep("gdb-stops", of: "gdb 13.1") }
  }

  @Test func runsMonitorCommands() async throws {
    let target = ToyMachine()
    let machine = try serve(target)
    defer { machine.close() }
    let text = try await gdb(
      machine, "break *0x1003", "continue", "monitor help", "monitor help seek", "monitor w",
      "monitor seek 17", "maintenance flush register-cache", "print $rip", "monitor seek 1000",
      "monitor se 1", "monitor fly")
    #expect(text.contains("seek COUNT      go to an instruction count\n"))
    #expect(text.contains("help [COMMAND]  this list\n"))
    #expect(text.contains("instruction 1 of 400\n"))
    #expect(text.contains("seeking\n"))
    #expect(text.contains("(void (*)()) 0x1003"))
    #expect(text.contains("seek needs a count up to 400\n"))
    #expect(text.contains("\"se\" could be any of seek, search\n"))
    #expect(text.contains("there is no command \"fly\"; \"monitor help\" lists them\n"))
    let when = target.state.withLock { $0.monitored[0] }
    #expect(when.command == "when")
    #expect(when.breakpoints == [Breakpoint(.software, at: .init(0x1003))])
    try machine.transcript.withLock { try $0.keep("gdb-monitor", of: "gdb 13.1") }
  }

  @Test func servesOneClientAfterTheOther() async throws {
    let target = ToyMachine()
    let machine = try ServedMachine(target, at: .loopback(port: 0))
    defer { machine.close() }
    let first = try await gdb(machine, "break *0x1006", "continue")
    #expect(first.contains("Breakpoint 1, 0x0000000000001006"))
    let second = try await gdb(machine, "print $pc", "continue")
    #expect(second.contains("0x1006"))
    #expect(second.contains("No more reverse-execution history."))
    #expect(target.resumptions.last?.breakpoints == [])
    #expect(machine.transcript.withLock { $0.failures } == [])
  }

  @Test func looksAtWhatHasCrashed() async throws {
    let machine = try serve(CrashedMachine())
    defer { machine.close() }
    let failures = try directory.write(
      """
      def attempt(command):
        try: gdb.execute(command)
        except gdb.error as error: print(error)
      for command in ("set var $rbx = 7", "set {char}0x1800 = 1", "x/bx 0x2000",
                      "reverse-stepi", "monitor help"): attempt(command)

      """, to: "failures.py")
    let text = try await gdb(
      machine, "info threads", "print $rbx", "thread 1", "print $rbx", "info registers rax rbx",
      "x/2bx 0x1ffe", "source \(failures)", "continue", "info threads")
    #expect(text.contains("  1    Thread 1 \"waits\" (in futex) 0x0000000000001000 in ?? ()\n"))
    #expect(text.contains("* 2    Thread 2 \"crashed\"          0x0000000000001100 in ?? ()\n"))
    #expect(text.contains("$1 = 2\n"))
    #expect(text.contains("$2 = 1\n"))
    #expect(text.contains("rax            <unavailable>\nrbx            0x1 "))
    #expect(text.contains("0x1ffe:\t0x90\t0x90\n"))
    #expect(text.contains("remote failure reply 'E.registers can't be changed here'\n"))
    #expect(text.contains("Cannot access memory at address 0x1800\n"))
    #expect(text.contains("Cannot access memory at address 0x2000\n"))
    #expect(text.contains("Target remote does not support this command.\n"))
    #expect(text.contains("Target does not support this command.\n"))
    #expect(text.contains("No more reverse-execution history.\n"))
  }

  @Test func ctrlCEndsARunAtOnce() async throws {
    // The process to be interrupted, once.
    let process = Mutex<Int32>(0)
    let target = ToyMachine(length: .max) {
      process.withLock { identifier in
        if identifier != 0 { kill(identifier, SIGINT) }
        identifier = 0
      }
    }
    let machine = try serve(target)
    defer { machine.close() }
    let directory = directory
    let text = try await blocking {
      let gdb = try RunningTool(
        "gdb", "-nx", "-batch", "-ex", "target remote \(directory.file("gdb"))", "-ex", "continue",
        "-ex", "stepi", "-ex", "reverse-stepi", "-ex", "detach", in: directory)
      process.withLock { $0 = gdb.processID }
      return String(decoding: try gdb.read(.max), as: UTF8.self)
    }
    #expect(text.contains("Program received signal SIGINT, Interrupt."))
    #expect(target.resumptions.map(\.extent) == [.unlimited, .step, .step])
    #expect(target.resumptions.last?.direction == .backward)
    #expect(text.contains("[Inferior 1 (Remote target) detached]"))
  }

  @Test func aClientThatGoesEndsWhatItStarted() async throws {
    let process = Mutex<Int32>(0)
    let target = ToyMachine(length: .max) {
      process.withLock { identifier in
        if identifier != 0 { kill(identifier, SIGKILL) }
        identifier = 0
      }
    }
    let machine = try serve(target)
    defer { machine.close() }
    let directory = directory
    _ = try await blocking {
      let gdb = try RunningTool(
        "gdb", "-nx", "-batch", "-ex", "target remote \(directory.file("gdb"))", "-ex", "continue",
        in: directory)
      process.withLock { $0 = gdb.processID }
      return try gdb.read(.max)
    }
    let text = try await gdb(machine, "print $pc")
    #expect(text.contains("$1 = "))
    #expect(target.currentStop().reason == .interrupted)
  }
}
