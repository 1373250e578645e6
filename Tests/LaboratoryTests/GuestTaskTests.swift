import Foundation
import TestWorlds
import Testing
import Varve

/// `varve ps` and `varve maps` against what the guest's own `/proc` said at the same pause.
@Suite("A guest's tasks", .enabled(if: Laboratory.isThere))
struct GuestTaskTests {
  typealias Subject = LaboratoryManifest.Subject

  let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  /// Guests that did nothing between the reading of `/proc` and the pause; those with thousands of
  /// threads only if everything is wanted, but for one.
  static let quiet = LaboratoryManifest.subjects.filter {
    $0.kind == "kernel-core"
      && ($0.scenario == "idle" || $0.name == "kernel-6.1-cloud-threads"
        || LaboratoryManifest.isEverythingWanted && $0.scenario == "threads")
  }

  private func report<Report: Decodable>(
    _ type: Report.Type, _ arguments: [String]
  ) throws -> Report {
    let quoted = ([Command.path] + arguments + ["--json", "-q"]).map { "'\($0)'" }
      .joined(separator: " ")
    // Standard error holds warnings, which aren't JSON.
    let text = try Tool.run("bash", "-c", "\(quoted) 2>/dev/null", in: directory)
    return try JSONDecoder().decode(type, from: Data(text.utf8))
  }

  private func threads(_ subject: Subject) throws -> [Int: TaskReport] {
    let dump = try #require(subject.truth["qmp_dump"])
    let found = try report(TaskListReport.self, ["ps", dump, "-T"])
    #expect(found.damaged == [])
    #expect(found.tasks.allSatisfy { $0.diagnostics == [] })
    // The idle tasks share a number.
    return Dictionary(uniqueKeysWithValues: found.tasks.filter { $0.pid != 0 }.map { ($0.pid, $0) })
  }

  /// In `/proc`'s ticks of 10 ms.
  private func ticks(_ nanoseconds: UInt64?) -> UInt64? { nanoseconds.map { $0 / 10_000_000 } }

  @Test(arguments: quiet) func threadsAreThoseOfProc(_ subject: Subject) throws {
    let truth = try GuestTruth(subject)
    let ours = try threads(subject)
    #expect(Set(ours.keys) == Set(truth.threads.map(\.tid)))
    var rested = 0
    var woken = 0
    for process in truth.processes where process.name != "witness" {
      for thread in process.threads {
        let task = try #require(ours[thread.tid])
        let ran = thread.files["schedstat"]?.split(separator: " ").first.flatMap { UInt64($0) }
        // One that ran after the witness had looked is no longer as it was.
        guard task.runTime == ran else { continue }
        rested += 1
        let stat = try GuestTruthStat(thread.files["again"] ?? thread.files["stat"] ?? "")
        if task.state != String(stat.state) {
          // It waits for a CPU meanwhile.
          #expect(task.state == "R", "\(thread)")
          woken += 1
        }
        #expect(task.fullName ?? task.name == thread.name)
        #expect(task.tgid == process.pid, "\(thread)")
        #expect(task.ppid == stat.parent, "\(thread)")
        #expect(task.flags == hex(stat.flags), "\(thread)")
        #expect(task.nice == stat.nice, "\(thread)")
        #expect(task.priority.map { $0 - 100 } == stat.priority, "\(thread)")
        #expect(task.cpu == stat.cpu || task.state == "R", "\(thread)")
        #expect(ticks(task.startTime) == stat.startTime, "\(thread)")
        #expect(ticks(task.userTime) == stat.userTime, "\(thread)")
        #expect(ticks(task.systemTime) == stat.systemTime, "\(thread)")
        #expect(task.virtualSize ?? 0 == stat.virtualSize, "\(thread)")
        let numbers = thread.status("NSpid")?.split(separator: "\t").compactMap { Int($0) }
        #expect(task.namespacePIDs ?? [task.pid] == numbers, "\(thread)")
      }
    }
    #expect(rested > truth.threads.count * 9 / 10)
    #expect(woken <= 2)
  }

  @Test(arguments: quiet) func commandLinesAreThoseOfProc(_ subject: Subject) throws {
    let ours = try threads(subject)
    var compared = 0
    for process in try GuestTruth(subject).processes {
      let task = try #require(ours[process.pid])
      guard let expected = process.arguments else {
        // Its page was never touched, and whoever reads `/proc` would touch it.
        #expect(task.arguments == [])
        #expect(task.argumentsProblem != nil)
        continue
      }
      #expect(task.arguments ?? [] == expected, "\(process)")
      #expect(task.argumentsProblem == nil, "\(process)")
      if !expected.isEmpty { compared += 1 }
    }
    #expect(compared > 20)
  }

  /// Kernels from 6.2 on show a count that leaves out what CPUs have counted lately; what smaps counts
  /// page by page is exact, but leaves out what isn't in a mapping.
  @Test(arguments: quiet) func residentSizesAreThoseOfProc(_ subject: Subject) throws {
    let ours = try threads(subject)
    var compared = 0
    for process in try GuestTruth(subject).processes where process.name != "witness" {
      guard let smaps = process.files["smaps"], !smaps.isEmpty,
        let size = ours[process.pid]?.residentSize
      else { continue }
      let counted = smaps.split(separator: "\n").filter { $0.hasPrefix("Rss:") }
        .compactMap { $0.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } }
        .reduce(0, +)
      let shown = try process.stat().residentSize * 4
      #expect(
        size >> 10 == counted || size >> 10 == UInt64(shown), "\(process): \(counted), \(shown)")
      compared += 1
    }
    #expect(compared > 20)
  }

  @Test(arguments: quiet) func mappingsAreThoseOfProc(_ subject: Subject) throws {
    let dump = try #require(subject.truth["qmp_dump"])
    // The witness maps what it reads into; of the others, each program's name stands for several.
    let processes = try GuestTruth(subject).processes.filter {
      $0.name != "witness" && !($0.files["maps"] ?? "").isEmpty
    }
    #expect(processes.count > 20)
    var seen: Set<String> = []
    for process in processes
    where LaboratoryManifest.isEverythingWanted || seen.insert(process.name).inserted {
      let found = try Command.run(["maps", dump, "--pid", "\(process.pid)", "-q"], in: directory)
      #expect(found.status == 0)
      #expect(found.text == (process.files["maps"]?.dropLast()).map(String.init), "\(process)")
    }
  }
}
