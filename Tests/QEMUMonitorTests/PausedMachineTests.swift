import Foundation
import HostSystem
import QEMUMonitor
import TestWorlds
import Testing

/// A QEMU without disk and kernel that runs its firmware.
final class EmptyQEMU {
  let directory: ScratchDirectory
  let process: RunningTool
  /// The monitor to be tested, and another one to look on.
  var socket: String { directory.file("a.sock") }
  var witness: String { directory.file("b.sock") }

  static let isInstalled = Tool.exists("qemu-system-x86_64")

  init() throws {
    directory = try ScratchDirectory()
    process = try RunningTool(
      "qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-nodefaults", "-display", "none",
      "-nic", "none", "-qmp", "unix:\(directory.file("a.sock")),server=on,wait=off",
      "-qmp", "unix:\(directory.file("b.sock")),server=on,wait=off", "-qmp", "stdio",
      in: directory)
    // The greeting on its output comes when all monitors are there.
    _ = try process.readLine()
  }
}

@Suite(.enabled(if: EmptyQEMU.isInstalled), .serialized) struct PausedMachineTests {
  private func isRunning(_ witness: QMPMonitor) throws -> Bool? {
    try witness.execute("query-status")["running"]?.bool
  }

  @Test func aRunningGuestRunsAgain() throws {
    let qemu = try EmptyQEMU()
    let witness = try QMPMonitor(connectingTo: qemu.witness)
    #expect(witness.version.first?.isNumber == true)
    do {
      let machine = try PausedMachine(monitor: qemu.socket)
      #expect(machine.wasRunning)
      #expect(machine.status == "running")
      #expect(try isRunning(witness) == false)
      try machine.resume()
      #expect(try isRunning(witness) == true)
      try machine.resume()
    }
    #expect(try isRunning(witness) == true)
  }

  @Test func leavingWithoutAWordResumesToo() throws {
    let qemu = try EmptyQEMU()
    let witness = try QMPMonitor(connectingTo: qemu.witness)
    func failsWhilePaused() throws {
      let machine = try PausedMachine(monitor: qemu.socket)
      #expect(try isRunning(witness) == false)
      try machine.monitor.execute("no-such-command")
    }
    #expect(throws: QMPError.self) { try failsWhilePaused() }
    #expect(try isRunning(witness) == true)
  }

  @Test func aPausedGuestStaysPaused() throws {
    let qemu = try EmptyQEMU()
    let witness = try QMPMonitor(connectingTo: qemu.witness)
    try witness.execute("stop")
    let machine = try PausedMachine(monitor: qemu.socket)
    #expect(!machine.wasRunning)
    #expect(machine.status == "paused")
    try machine.resume()
    #expect(try isRunning(witness) == false)
  }

  @Test func aBusyMonitorIsNotWaitedForEver() throws {
    let qemu = try EmptyQEMU()
    let first = try QMPMonitor(connectingTo: qemu.socket)
    #expect(throws: QMPError.noAnswer(command: "connect", seconds: 1)) {
      try QMPMonitor(connectingTo: qemu.socket, timeout: .seconds(1))
    }
    try first.execute("query-status")
  }

  @Test func aMonitorThatEndsIsNoticed() throws {
    let qemu = try EmptyQEMU()
    let monitor = try QMPMonitor(connectingTo: qemu.socket)
    try monitor.execute("quit")
    #expect(throws: QMPError.self) {
      while true { try monitor.execute("query-status") }
    }
  }
}

@Test func whereNobodyListensIsSaid() throws {
  let directory = try ScratchDirectory()
  try directory.write("", to: "file")
  for name in [directory.file("none"), directory.file("file"), String(repeating: "x", count: 200)] {
    #expect(throws: QMPError.self) { try QMPMonitor(connectingTo: name) }
  }
}
