import TestWorlds
import Testing

/// The laboratory's kernels' guests are what their descriptions say, or other tests compare nothing.
@Suite("Truths of kernels' guests", .enabled(if: Laboratory.isThere))
struct GuestTruthTests {
  static let subjects = LaboratoryManifest.subjects.filter { $0.kind == "kernel-core" }

  @Test func thereAreGuests() {
    let names = Set(Self.subjects.map(\.name))
    for scenario in ["idle", "busy", "panic", "threads"] {
      #expect(names.contains("kernel-6.1-cloud-\(scenario)"))
    }
    #expect(
      names.isSuperset(of: ["6.12-cloud-idle", "5.10-idle", "new-idle"].map { "kernel-" + $0 }))
  }

  @Test(arguments: subjects) func truthIsWhole(_ subject: LaboratoryManifest.Subject) throws {
    let truth = try GuestTruth(subject)
    #expect(truth.cpus.count == subject.vcpus)
    for process in truth.processes where process.isKnown {
      let stat = try process.stat()
      #expect(stat.pid == process.pid && stat.name == process.name)
      #expect(process.threads.count == stat.threadCount || stat.state == "Z")
      _ = try process.mappings()
    }
    let states = try Set(truth.threads.map { try $0.stat().state })
    #expect(states.isSuperset(of: ["S", "I", "D", "T", "t", "Z", "R"]))
    #expect(try truth.process(1)?.stat().name == "init")
    #expect(try truth.processes(named: "many-mappings").first?.mappings().count ?? 0 > 3000)
    #expect(truth.processes(named: "untouched-args").first?.arguments == nil)
    #expect(truth.processes(named: "a) R 1 \\\n\u{1b}[1m").count == 1)
    #expect(
      truth.processes(named: "deleted-program").first?.links["exe"]
        == "/tmp/deleted-program (deleted)")
    #expect(
      truth.processes(named: "tun-reader").first?.threads.first?.stack.first?.hasSuffix("[tun]")
        == true)
    #expect(try truth.symbols().contains { $0.name == "init_task" && $0.address != 0 })
    #expect(try truth.modules().contains { $0.name == "null_blk" && $0.state == "Live" })
    #expect(try truth.fact("/proc/sys/kernel/hostname") == "varve-lab")
    let sleepers = truth.threads.filter { $0.name.hasPrefix("futex-") && $0.isSettled }
    #expect(sleepers.count >= (subject.scenario == "threads" ? 400 : 1))
    let records = try truth.records()
    #expect(records.allSatisfy { (0..<8).contains($0.level) })
    if subject.scenario != "threads" {
      #expect(
        records.contains { $0.text.hasPrefix("LAB: the first line\\x0a") && $0.facility == 1 })
    } else {
      #expect(records.first?.sequence ?? 0 > 0, "the log has wrapped")
    }
    #expect(!(try truth.log().isEmpty))
  }
}
