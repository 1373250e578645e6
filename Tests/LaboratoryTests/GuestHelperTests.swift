import Foundation
import TestWorlds
import Testing
import Varve

/// A guest's tasks, mappings and modules beside what drgn's helpers find with a vmlinux. One after
/// another: each drgn takes as much memory as the vmlinux that it reads.
@Suite("A guest by drgn's helpers", .enabled(if: Laboratory.isThere), .serialized)
struct GuestHelperTests {
  typealias Subject = LaboratoryManifest.Subject

  let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  /// All have maple trees of mappings: the vmlinux of the one with lists isn't there.
  static let guests = GuestStackPeerTests.guestsWithFiles.filter {
    LaboratoryManifest.isEverythingWanted
      || ["kernel-6.1-cloud-idle", "kernel-6.12-cloud-idle"].contains($0.name)
  }

  /// All but mappings, which are asked for by process.
  private static let script = """
    from drgn.helpers.linux.fs import d_path
    from drgn.helpers.linux.mm import for_each_vma
    from drgn.helpers.linux.module import for_each_module, module_address_regions
    from drgn.helpers.linux.pid import for_each_task
    from drgn.helpers.linux.sched import task_cpu, task_state_to_char
    for task in for_each_task(prog):
        print("TASK", hex(task.value_()), task.pid.value_(), task.tgid.value_(),
              task_state_to_char(task), task_cpu(task), task.comm.string_().decode())
        if task.mm and task.pid == task.tgid:
            for vma in for_each_vma(task.mm):
                path = d_path(vma.vm_file.f_path).decode() if vma.vm_file else "-"
                print("VMA", task.pid.value_(), hex(vma.value_()), hex(vma.vm_start.value_()),
                      hex(vma.vm_end.value_()), path)
    for module in for_each_module(prog):
        regions = sorted(region for region in module_address_regions(module) if region[1])
        print("MODULE", hex(module.value_()), module.name.string_().decode(),
              *(f"{hex(start)}+{size}" for start, size in regions))
    """

  private func linesByDrgn(_ subject: Subject) throws -> [String] {
    let dump = try #require(subject.truth["qmp_dump"])
    let vmlinux = try #require(subject.vmlinux)
    try directory.write(Self.script, to: "helpers.py")
    let drgn = try LaboratoryManifest.subject("peer-drgn").path
    return try Tool.run(
      "bash", "-c", "'\(drgn)' -q -c '\(dump)' -s '\(vmlinux)' helpers.py", in: directory
    ).split(separator: "\n").map(String.init)
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

  @Test(arguments: guests) func helpersSayTheSame(_ subject: Subject) throws {
    let dump = try #require(subject.truth["qmp_dump"])
    let theirs = try linesByDrgn(subject)
    let list = try report(TaskListReport.self, ["ps", dump, "-T"]).tasks.filter { $0.pid != 0 }
    let tasks = list.map {
      "TASK \($0.address) \($0.pid) \($0.tgid) \($0.state) \($0.cpu ?? -1) \($0.name)"
    }
    #expect(tasks == theirs.filter { $0.hasPrefix("TASK") })
    #expect(tasks.count > 80)

    var mappings: [String] = []
    for task in list where !task.isKernelThread && task.pid == task.tgid && task.state != "Z" {
      mappings += try report(MapsReport.self, ["maps", dump, "--pid", "\(task.pid)"]).mappings.map {
        "VMA \(task.pid) \($0.address) \($0.start) \($0.end) \($0.path ?? "-")"
      }
    }
    #expect(mappings == theirs.filter { $0.hasPrefix("VMA") })
    #expect(mappings.count > 3000)

    let modules = try report(KernelModulesReport.self, ["modules", dump]).modules.map { module in
      let regions = module.regions.filter { $0.size > 0 }.sorted { $0.address < $1.address }
        .map { "\($0.address)+\($0.size)" }
      return (["MODULE", module.structure, module.name] + regions).joined(separator: " ")
    }
    #expect(modules == theirs.filter { $0.hasPrefix("MODULE") })
    #expect(modules.count > 5)
  }
}
