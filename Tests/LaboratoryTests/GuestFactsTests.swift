import Foundation
import TestWorlds
import Testing
import Varve

/// What `varve info` says of a guest's kernel, against the guest's own `/proc`.
@Suite("A guest's facts", .enabled(if: Laboratory.isThere))
struct GuestFactsTests {
  let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  static let subjects = LaboratoryManifest.subjects.filter {
    $0.kind == "kernel-core"
      && (LaboratoryManifest.isEverythingWanted || $0.scenario == "idle"
        || $0.scenario == "panic")
  }

  private func kernel(_ subject: LaboratoryManifest.Subject) throws -> GuestKernelReport {
    let dump = try #require(subject.truth["qmp_dump"])
    let text = try Tool.run(
      "bash", "-c", "'\(Command.path)' info '\(dump)' --json -q", in: directory)
    let report = try JSONDecoder().decode(InfoReport.self, from: Data(text.utf8))
    return try #require(report.machine?.kernel)
  }

  @Test(arguments: subjects)
  func factsAreTheGuests(_ subject: LaboratoryManifest.Subject) throws {
    let truth = try GuestTruth(subject)
    let kernel = try kernel(subject)
    #expect(kernel.unavailable == [])
    #expect(kernel.commandLine == (try truth.fact("/proc/cmdline")))
    let version = try truth.fact("/proc/version")
    #expect(version.hasPrefix("Linux version \(kernel.release) "))
    #expect(version.hasSuffix(kernel.version))
    let compiler = try #require(kernel.compiler)
    #expect(version.contains("(\(compiler))"))
    let tainted = try truth.fact("/proc/sys/kernel/tainted")
    #expect((kernel.taint?.mask).map { "\($0)" } == tainted)
    let load = try truth.fact("/proc/loadavg").split(separator: " ")
    // Every five seconds they change, and a panic takes a while.
    if subject.scenario == "idle" {
      #expect(kernel.loadAverages == load[..<3].joined(separator: " "))
    }
    #expect(kernel.threads.map { "\($0)" } == load[3].split(separator: "/").last.map(String.init))
    #expect(kernel.possibleCPUs?.count == subject.vcpus)
    // Who panics stops the other CPUs.
    #expect(kernel.onlineCPUs?.count == (subject.scenario == "panic" ? 1 : subject.vcpus))
  }

  /// The witness needs a moment to read all that it reads, and the clock is as of the last tick.
  @Test(arguments: subjects)
  func clocksAreTheGuests(_ subject: LaboratoryManifest.Subject) throws {
    let truth = try GuestTruth(subject)
    let kernel = try kernel(subject)
    let uptime = Double(try #require(kernel.uptime)) / 1e9
    let told = (try truth.fact("clock:boottime"), try truth.fact("clock:realtime"))
    let boot = try #require(Double(told.0))
    #expect((-0.05..<2).contains(uptime - boot), "\(uptime) \(boot)")
    let time = Double(try #require(kernel.time).microseconds) / 1e6
    let real = try #require(Double(told.1))
    // Both run alike.
    #expect(abs((time - real) - (uptime - boot)) < 0.001, "\(time) \(real)")
  }

  /// Reading took the guest some memory; what isn't touched by that is exact.
  @Test(arguments: subjects)
  func memoryIsTheGuests(_ subject: LaboratoryManifest.Subject) throws {
    let kernel = try kernel(subject)
    let memory = try #require(kernel.memory)
    var truth: [String: UInt64] = [:]
    for line in try GuestTruth(subject).fact("/proc/meminfo").split(separator: "\n") {
      let words = line.split { $0 == " " || $0 == ":" }
      truth[String(words[0])] = UInt64(words[1]).map { $0 * 1024 }
    }
    #expect(memory.total == truth["MemTotal"])
    #expect(memory.buffers == truth["Buffers"])
    #expect(memory.cached == truth["Cached"])
    #expect(memory.shared == truth["Shmem"])
    for (name, own) in [
      ("MemFree", memory.free), ("MemAvailable", memory.available), ("Slab", memory.slab),
      ("AnonPages", memory.anonymous), ("SReclaimable", memory.slabReclaimable),
      ("KernelStack", memory.kernelStacks), ("PageTables", memory.pageTables),
    ] {
      let (found, told) = (try #require(own), try #require(truth[name]))
      #expect(abs(Int64(found) - Int64(told)) < 1 << 20, "\(name): \(found) \(told)")
    }
  }

  @Test(arguments: subjects)
  func panicsAreTold(_ subject: LaboratoryManifest.Subject) throws {
    let panic = try kernel(subject).panic
    guard subject.scenario == "panic" else {
      #expect(panic == nil)
      return
    }
    #expect(panic?.message == "Kernel panic - not syncing: sysrq triggered crash")
    #expect(panic?.isRequested == true)
    #expect(panic?.task?.name == "witness")
    // The log names the same one.
    let dump = try #require(subject.truth["qmp_dump"])
    let text = try Tool.run("bash", "-c", "'\(Command.path)' dmesg '\(dump)' -t -q", in: directory)
    let line = try #require(text.split(separator: "\n").last { $0.hasPrefix("CPU: ") })
    let (cpu, task) = (try #require(panic?.cpu), try #require(panic?.task))
    #expect(line.contains("CPU: \(cpu) "))
    #expect(line.contains("PID: \(task.thread) "))
    #expect(line.contains("Comm: witness "))
  }
}
