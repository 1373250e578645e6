import Bytes
import MachineDumps
import QEMUMonitor
import Targets
import TestWorlds
import Testing

/// What QEMU writes of one guest at one moment: a guest that runs its firmware, so that it isn't in
/// long mode, and the dumps are of a 32-bit machine.
@Suite(.enabled(if: Tool.exists("qemu-system-x86_64"))) struct QEMUDumpTests {
  @Test func allFormatsShowTheSameMachine() throws {
    let directory = try ScratchDirectory()
    let socket = directory.file("qmp")
    let qemu = try RunningTool(
      "qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-smp", "2", "-nodefaults", "-display",
      "none", "-nic", "none", "-qmp", "unix:\(socket),server=on,wait=off", "-qmp", "stdio",
      in: directory)
    _ = try qemu.readLine()
    let paused = try PausedMachine(monitor: socket)
    func dump(_ format: String) throws -> MachineDump {
      let path = directory.file(format)
      try paused.monitor.execute(
        "dump-guest-memory",
        arguments: [
          "paging": .bool(false), "protocol": .string("file:\(path)"), "format": .string(format),
        ], timeout: .seconds(60))
      return try MachineDump(opening: path)
    }
    let elf = try dump("elf")
    #expect(elf.format == .elf)
    #expect(elf.machine.diagnostics == [])
    let modes = elf.machine.cpus.map(\.x86.mode)
    #expect(modes.count == 2)
    #expect(!modes.contains(.long) && !modes.contains(nil))
    #expect(elf.machine.map.first?.start == PhysicalAddress(0))
    let available = try paused.monitor.execute("query-dump-guest-memory-capability")
    guard case .array(let formats)? = available["formats"] else {
      Issue.record("QEMU knows no formats")
      return
    }
    for case .string(let format) in formats
    where format.hasPrefix("kdump-") && !format.hasPrefix("kdump-raw") {
      let kdump = try dump(format)
      #expect(kdump.format == .flattened)
      for entry in elf.machine.map {
        let (expected, found) = (
          try elf.machine.memory.read(entry.start, count: entry.count),
          try kdump.machine.memory.read(entry.start, count: entry.count)
        )
        #expect(haveEqualBytes(expected, found), "\(format) at \(entry.start)")
      }
    }
    try paused.resume()
  }
}
