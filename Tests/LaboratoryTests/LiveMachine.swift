import Foundation
import TestWorlds
import Varve

/// A virtual machine of the laboratory's that is alive, and the command at work on it.
final class LiveMachine {
  let directory: ScratchDirectory
  let processID: Int32
  /// A monitor's socket. It serves one client at a time.
  let socket: String
  /// QEMU's current directory.
  let place: String
  private let keeper: RunningTool

  private struct Facts: Decodable {
    let pid: Int32
    let qmp: String
    let directory: String
  }

  /// Boots `configuration` under `program`, both named as `Lab/lab run-vm` does; it runs.
  init(_ configuration: String, _ program: String) throws {
    directory = try ScratchDirectory()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    keeper = try RunningTool(
      root.appending(path: "Lab/lab").path, "run-vm", configuration, "--program", program,
      "--running", in: directory)
    let line = Data(try keeper.readLine().utf8)
    let facts = try JSONDecoder().decode(Facts.self, from: line)
    processID = facts.pid
    socket = facts.qmp
    place = facts.directory
  }

  deinit {
    // What keeps the machine ends it when its input ends.
    do { try keeper.finish() } catch { print("machine \(processID): \(error)") }
  }

  var name: String { "pid:\(processID)" }

  /// Runs `varve`, with this machine's monitor if `isPausing`.
  func varve(
    _ arguments: String..., isPausing: Bool = true
  ) throws -> (status: Int, text: String) {
    try Command.run(arguments + (isPausing ? ["--qmp", socket] : []), in: directory)
  }

  /// What `command` answers, through a connection that ends with it: others want the monitor too.
  @discardableResult
  func ask(_ command: String, _ arguments: [String: QMPValue] = [:]) throws -> QMPValue {
    try QMPMonitor(connectingTo: socket)
      .execute(command, arguments: arguments, timeout: .seconds(120))
  }

  var isRunning: Bool? {
    get throws { try ask("query-status")["running"]?.bool }
  }

  /// QEMU's own dump of the guest as it is now.
  func ownDump() throws -> ELFDumpFile {
    // The name is relative: the program may live below another root.
    try ask("dump-guest-memory", ["paging": .bool(false), "protocol": .string("file:qmp.elf")])
    return try ELFDumpFile(place + "/qmp.elf")
  }

  /// How much memory QEMU has of its own, in KiB, and how much its memory files have, in blocks.
  func footprint() throws -> (own: Int, files: Int) {
    let command = """
      awk '/^RssAnon|^RssShmem/ { n += $2 } END { print n }' /proc/\(processID)/status
      cd /proc/\(processID)/map_files
      for f in *; do case "$(readlink "$f")" in /memfd*|*/ram.bin) stat -Lc %b "$f";; esac; done |
        awk '{ n += $1 } END { print n + 0 }'
      """
    let numbers = try Tool.run("bash", "-c", command, in: directory).split(separator: "\n")
    guard numbers.count == 2, let own = Int(numbers[0]), let files = Int(numbers[1]) else {
      throw ToolFailure(description: "no footprint: \(numbers)")
    }
    return (own, files)
  }
}
