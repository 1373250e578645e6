import Foundation
import TestWorlds
import Testing
import Varve

/// Machines that run, read through their processes.
@Suite("Machines that run", .enabled(if: Laboratory.isThere), .serialized)
struct LiveMachineTests {
  /// Anonymous memory, shared and private memory files, a file of the guest's own; QEMUs with and
  /// without debug information.
  @Test(arguments: [
    ("pc-numa-memfd", "stripped-7.2"), ("q35-memfd", "stripped-10"), ("q35-file", "debug"),
  ])
  func memoryAndRegistersAreQEMUsOwn(configuration: String, program: String) throws {
    let machine = try LiveMachine(configuration, program)
    try expectEqualDumps(machine)
    try expectItRunsAgain(machine)
  }

  @Test func aMachineInAnonymousMemory() throws {
    let machine = try LiveMachine("microvm", "debug")
    try expectEqualDumps(machine)
    try expectItRunsAgain(machine)
    try expectTornLabels(machine)
    try expectFacts(machine)
    try expectHints(machine)
    try expectMemoryOfAllLayers(machine)
    try expectRefusals(machine)
  }

  /// 5 GiB, of which the guest has touched a part: neither QEMU nor Varve gets the rest.
  @Test func untouchedMemoryStaysUntouched() throws {
    let machine = try LiveMachine("q35-5g", "stripped-7.2")
    try machine.ask("stop")
    let before = try machine.footprint()
    let script = """
      import resource, subprocess, sys
      subprocess.run(sys.argv[1:], check=True)
      print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
      """
    let text = try Tool.run(
      "python3", "-c", script, Command.path, "vmcore", machine.name, "-o", "vmcore", "--qmp",
      machine.socket, in: machine.directory)
    let peak = try #require(text.split(separator: "\n").last.flatMap { Int($0) })
    #expect(peak < 200 << 10, "\(peak) KiB")
    let after = try machine.footprint()
    #expect(after.own - before.own < 4 << 10, "\(before) → \(after)")
    try machine.ownDump().expectContents(
      of: ELFDumpFile(machine.directory.file("vmcore")), in: machine.directory)
  }

  // MARK: Checks that share a machine

  /// At a pause of ours, Varve's dump is QEMU's, leaves the guest paused, and brings no memory into
  /// being.
  private func expectEqualDumps(_ machine: LiveMachine) throws {
    try machine.ask("stop")
    // QEMU's dump touches all memory, so that it comes second.
    let before = try machine.footprint()
    let result = try machine.varve("vmcore", machine.name, "-o", "vmcore")
    #expect(result.status == 0, "\(result.text)")
    let after = try machine.footprint()
    #expect(after.own - before.own < 1 << 10, "\(before) → \(after)")
    #expect(after.files == before.files)
    #expect(try machine.isRunning == false)
    let ours = try ELFDumpFile(machine.directory.file("vmcore"))
    let theirs = try machine.ownDump()
    #expect(ours.map == theirs.map)
    #expect(ours.registers == theirs.registers)
    try ours.expectContents(of: theirs, in: machine.directory)
  }

  private func expectItRunsAgain(_ machine: LiveMachine) throws {
    try machine.ask("cont")
    for command in [
      ["info", machine.name], ["regs", machine.name],
      ["vmcore", machine.name, "-o", "again", "--format", "kdump-zstd"],
    ] {
      let result = try Command.run(
        command + ["--qmp", machine.socket], in: machine.directory)
      #expect(result.status == 0, "\(result.text)")
      #expect(!result.text.contains("torn"), "\(result.text)")
      #expect(!result.text.contains("read while it ran"), "\(result.text)")
      #expect(try machine.isRunning == true, "\(command)")
    }
    // What fails half-way leaves it running too.
    let failure = try machine.varve("vmcore", machine.name, "-o", "no/such/place")
    #expect(failure.status == 1)
    #expect(!failure.text.contains("\n"), "\(failure.text)")
    #expect(try machine.isRunning == true)
  }

  private func expectTornLabels(_ machine: LiveMachine) throws {
    let warning = "varve: warning: read while it ran"
    for command in [["info"], ["regs"], ["vmcore", "-o", "torn"]] {
      let result = try Command.run(
        [command[0], machine.name] + command.dropFirst(), in: machine.directory)
      #expect(result.status == 0)
      #expect(result.text.contains(warning), "\(result.text)")
      if command[0] != "vmcore" { #expect(result.text.contains("torn"), "\(result.text)") }
    }
    let json = try machine.varve("regs", machine.name, "--json", "-q", isPausing: false)
    #expect(json.text.contains("\"freshness\" : \"torn\""), "\(json.text)")
  }

  private func expectFacts(_ machine: LiveMachine) throws {
    let info = try machine.varve("info", machine.name).text
    let words = try Tool.run(
      "bash", "-c", "tr '\\0' ' ' < /proc/\(machine.processID)/cmdline", in: machine.directory)
    let line = words.trimmingCharacters(in: .whitespaces)
    #expect(info.contains("process   \(machine.processID) \(line)\n"), "\(info)")
    let threads = try FileManager.default.contentsOfDirectory(
      atPath: "/proc/\(machine.processID)/task")
    #expect(info.contains("threads   \(threads.count)\n"), "\(info)")
    let version = try machine.ask("query-version")["qemu"]
    let numbers = ["major", "minor", "micro"].compactMap { version?[$0]?.integer.map(String.init) }
    #expect(numbers.count == 3)
    #expect(info.contains("qemu      \(numbers.joined(separator: "."))"), "\(info)")
    #expect(info.contains("machine   microvm"))
    #expect(info.contains("kernel    Linux 6.1"))
  }

  private func expectHints(_ machine: LiveMachine) throws {
    for command in [["bt"], ["coroutines"], ["core", "--coroutines-as-threads", "-o", "out"]] {
      let result = try Command.run(
        [command[0], machine.name] + command.dropFirst(), in: machine.directory)
      #expect(result.status == 1)
      #expect(result.text.hasPrefix("varve: \(machine.name): "))
      #expect(result.text.hasSuffix("gcore \(machine.processID)"), "\(result.text)")
      #expect(!result.text.contains("\n"))
    }
  }

  /// The dump that QEMU made at the first pause isn't of this moment, but firmware doesn't change.
  private func expectMemoryOfAllLayers(_ machine: LiveMachine) throws {
    let physical = try machine.varve("memory", machine.name, "--phys", "0xffff0000", "64")
    #expect(physical.status == 0)
    let theirs = try machine.ask(
      "human-monitor-command", ["command-line": .string("xp /64xb 0xffff0000")])
    let bytes = (theirs.string ?? "").split(whereSeparator: \.isNewline)
      .flatMap { $0.split(separator: " ").dropFirst() }.map { String($0.dropFirst(2)) }
    let ours = physical.text.split(separator: "\n").flatMap { line in
      line.split(separator: "|")[0].split(separator: " ").dropFirst().map(String.init)
    }
    #expect(bytes.count == 64)
    #expect(ours == bytes)
    let maps = try String(contentsOfFile: "/proc/\(machine.processID)/maps", encoding: .utf8)
    let start = try #require(maps.split(separator: "-").first)
    let host = try machine.varve("memory", machine.name, "--host", String(start), "4")
    #expect(host.text.contains("7f 45 4c 46"), "\(host.text)")
  }

  private func expectRefusals(_ machine: LiveMachine) throws {
    let file = try machine.directory.write("", to: "file")
    let other = try EmptyMachine()
    let cases = [
      ["info", "pid:999999999"], ["info", "pid:999999999", "--qmp", machine.socket],
      ["info", machine.name, "--qmp", machine.directory.file("none")],
      ["info", machine.name, "--qmp", file],
      // One for people, and one of another QEMU.
      ["info", machine.name, "--qmp", other.file("people.sock")],
      ["info", machine.name, "--qmp", other.file("a.sock")],
      ["vmcore", file, "-o", "out", "--qmp", machine.socket],
    ]
    for arguments in cases {
      let result = try Command.run(arguments, in: machine.directory)
      #expect(result.status == 1, "\(arguments)")
      #expect(result.text.hasPrefix("varve: "), "\(result.text)")
      #expect(!result.text.contains("\n"), "\(result.text)")
    }
    #expect(try other.isRunning == true)
    #expect(try machine.isRunning == true)
    // Root's processes are not for everyone.
    guard geteuid() == 0, Tool.exists("setpriv") else { return }
    let text = try Tool.run(
      "bash", "-c",
      "cp '\(Command.path)' varve; chmod 755 . varve; exec setpriv --reuid 65534 --clear-groups ./varve info \(machine.name) 2>&1",
      in: machine.directory, mayFail: true)
    #expect(text.hasPrefix("varve: \(machine.name): "), "\(text)")
    #expect(text.contains("ermission denied"), "\(text)")
    #expect(text.split(separator: "\n").count == 1, "\(text)")
  }
}

/// A command that is ended while it has a guest paused: it waits for whoever reads its output.
@Suite(.enabled(if: EmptyMachine.isInstalled), .serialized) struct InterruptionTests {
  private func pausing(_ qemu: EmptyMachine) throws -> RunningTool {
    let varve = try RunningTool(
      Command.path, "vmcore", "pid:\(qemu.processID)", "--qmp", qemu.file("a.sock"), "-o", "-",
      "-q", in: qemu.directory)
    // A machine's memory is more than a pipe takes.
    #expect(try varve.read(4) == [0x7f] + Array("ELF".utf8))
    #expect(try qemu.isRunning == false)
    return varve
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGBUS, SIGSEGV])
  func aSignalLeavesTheGuestRunning(signal: Int32) throws {
    let qemu = try EmptyMachine()
    let varve = try pausing(qemu)
    #expect(varve.end(by: signal).signal == signal)
    #expect(try qemu.isRunning == true)
  }

  @Test func aReaderThatGoesAwayLeavesTheGuestRunning() throws {
    let qemu = try EmptyMachine()
    let end = try pausing(qemu).hangUp()
    #expect(end.signal != nil || end.status == 1)
    #expect(try qemu.isRunning == true)
  }
}

/// A QEMU that runs nothing but its firmware, with a monitor for the command and another to look on.
final class EmptyMachine {
  let directory: ScratchDirectory
  private let process: RunningTool
  private let witness: QMPMonitor

  static let isInstalled = Tool.exists("qemu-system-x86_64")

  var processID: Int32 { process.processID }

  init() throws {
    directory = try ScratchDirectory()
    let sockets = directory.path
    process = try RunningTool(
      "qemu-system-x86_64", "-accel", "tcg,tb-size=16", "-m", "32", "-nodefaults", "-display",
      "none", "-nic", "none", "-qmp", "unix:\(sockets)/a.sock,server=on,wait=off", "-qmp",
      "unix:\(sockets)/b.sock,server=on,wait=off", "-monitor",
      "unix:\(sockets)/people.sock,server=on,wait=off", "-qmp", "stdio", in: directory)
    // The greeting on its output comes when all monitors are there.
    _ = try process.readLine()
    witness = try QMPMonitor(connectingTo: directory.file("b.sock"))
  }

  func file(_ name: String) -> String { directory.file(name) }

  var isRunning: Bool? {
    get throws { try witness.execute("query-status")["running"]?.bool }
  }
}
