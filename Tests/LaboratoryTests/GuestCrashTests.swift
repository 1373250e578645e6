import Foundation
import TestWorlds
import Testing
import Varve

/// Kernel stacks beside crash's `foreach bt`, by unstable's crash with a vmlinux: Debian 12's finds
/// hardly any task of these kernels, and no crash yet opens 7.2.
@Suite(
  .enabled(
    if: LaboratoryManifest.subjects.contains { $0.name == "peer-unstable" },
    "no peer-unstable: lab build peer-unstable"), .serialized)
struct GuestCrashTests {
  typealias Subject = LaboratoryManifest.Subject

  static let guests = GuestStackPeerTests.guestsWithFiles.filter {
    $0.kernel != "new"
      && (LaboratoryManifest.isEverythingWanted || $0.name == "kernel-6.1-cloud-idle")
  }

  /// The counters of each task's frames as crash prints them, by the task's address.
  private func countersByCrash(_ subject: Subject) throws -> [String: [String]] {
    let directory = try ScratchDirectory()
    try directory.write("foreach bt\nquit\n", to: "commands")
    let crash = try LaboratoryManifest.subject("peer-unstable").path + "/crash"
    let dump = try #require(subject.truth["qmp_dump"])
    let vmlinux = try #require(subject.vmlinux)
    let text = try Tool.run(
      "bash", "-c", "'\(crash)' -s -i commands '\(vmlinux)' '\(dump)' < /dev/null 2>/dev/null",
      in: directory)
    var found: [String: [String]] = [:]
    var task: String?
    for line in text.split(separator: "\n") {
      if let match = line.wholeMatch(of: #/PID: \d+ +TASK: ([0-9a-f]+) .*/#) {
        let address = "0x" + match.1
        task = address
        found[address] = []
      } else if let task {
        if let match = line.wholeMatch(of: #/ *\#\d+ \[[0-9a-f]+\] .* at ([0-9a-f]+).*/#) {
          found[task]?.append("0x" + match.1)
        }
      }
    }
    return found
  }

  @Test(arguments: guests) func countersEqualCrashs(_ subject: Subject) throws {
    let theirs = try countersByCrash(subject)
    let ours = try MachineSource(opening: try #require(subject.truth["qmp_dump"])).guestStacks(
      .all, options: StackOptions(frameArguments: .none),
      places: DebugFilePlaces(debugDirectories: [], debuginfod: .off))
    var compared = 0
    // Where a CPU is crash guesses: see docs/guest-stacks.md. So it does of the witness, which writes to
    // a terminal.
    for task in ours.tasks where task.origin == .switchedOut && task.comm != "witness" {
      let expected = try #require(theirs[task.address], "\(task.pid)")
      let counters = task.stack?.frames.filter { $0.evidence != "tail call" && !$0.inlined }
      #expect((counters ?? []).map(\.pc) == expected, "task \(task.pid) \(task.comm)")
      compared += 1
    }
    #expect(compared > 80)
  }
}
