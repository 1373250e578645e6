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

  /// A JSON array of strings for each of them. Up to 6.3 drgn gives a module's memory as one.
  private static let script = """
    import json
    from drgn.helpers.linux.fs import d_path
    from drgn.helpers.linux.mm import for_each_vma
    from drgn.helpers.linux.module import for_each_module, module_address_regions
    from drgn.helpers.linux.pid import for_each_task
    from drgn.helpers.linux.sched import task_cpu, task_state_to_char
    def say(*words):
        print(json.dumps([str(word) for word in words]))
    for task in for_each_task(prog):
        say("task", hex(task.value_()), task.pid.value_(), task.tgid.value_(),
            task_state_to_char(task), task_cpu(task), task.comm.string_().decode())
        if task.mm and task.pid == task.tgid:
            for vma in for_each_vma(task.mm):
                path = d_path(vma.vm_file.f_path).decode() if vma.vm_file else "-"
                say("mapping", task.pid.value_(), hex(vma.value_()), hex(vma.vm_start.value_()),
                    hex(vma.vm_end.value_()), path)
    for module in for_each_module(prog):
        regions = []
        for start, size in sorted(module_address_regions(module)):
            if regions and sum(regions[-1]) == start:
                regions[-1][1] += size
            elif size:
                regions.append([start, size])
        say("module", hex(module.value_()), module.name.string_().decode(),
            *(f"{hex(start)}+{size}" for start, size in regions))
    """

  private func linesByDrgn(_ subject: Subject) throws -> [[String]] {
    let dump = try #require(subject.truth["qmp_dump"])
    let vmlinux = try #require(subject.vmlinux)
    try directory.write(Self.script, to: "helpers.py")
    let drgn = try LaboratoryManifest.subject("peer-drgn").path
    return try Tool.run(
      "bash", "-c", "'\(drgn)' -q -c '\(dump)' -s '\(vmlinux)' helpers.py", in: directory
    ).split(separator: "\n").map { try JSONDecoder().decode([String].self, from: Data($0.utf8)) }
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
    let theirs = Dictionary(grouping: try linesByDrgn(subject)) { $0.first ?? "" }
    let list = try report(TaskListReport.self, ["ps", dump, "-T"]).tasks.filter { $0.pid != 0 }
    let tasks = list.map {
      ["task", $0.address, "\($0.pid)", "\($0.tgid)", $0.state, "\($0.cpu ?? -1)", $0.name]
    }
    expectEqual(tasks, theirs["task"])
    #expect(tasks.count > 80)

    var mappings: [[String]] = []
    for task in list where !task.isKernelThread && task.pid == task.tgid && task.state != "Z" {
      mappings += try report(MapsReport.self, ["maps", dump, "--pid", "\(task.pid)"]).mappings.map {
        ["mapping", "\(task.pid)", $0.address, $0.start, $0.end, Self.path(of: $0)]
      }
    }
    expectEqual(mappings, theirs["mapping"])
    #expect(mappings.count > 3000)

    let modules = try report(KernelModulesReport.self, ["modules", dump]).modules
    expectEqual(
      modules.map { ["module", $0.structure, $0.name] + Self.memory(of: $0) }, theirs["module"])
    #expect(modules.count > 5)
  }

  /// Only the first few differences: there are thousands of mappings.
  private func expectEqual(_ ours: [[String]], _ theirs: [[String]]?) {
    let theirs = theirs ?? []
    #expect(ours.count == theirs.count)
    let differing = zip(ours, theirs).filter { $0 != $1 }
    #expect(differing.isEmpty, "\(differing.prefix(8))")
  }

  /// As drgn names it. Of files that no mount ever showed (shared memory, memory files) it names the
  /// file system; `/proc/PID/maps`, and so Varve, name them by their kind.
  private static func path(of mapping: MappingReport) -> String {
    guard let path = mapping.path else { return "-" }
    guard mapping.isDeleted == true else { return path }
    if path == "/anon_hugepage" { return "[hugetlbfs]" }
    let isUnmounted = ["/SYSV", "/memfd:"].contains { path.hasPrefix($0) } || path == "/dev/zero"
    return isUnmounted ? "[tmpfs]" : path
  }

  /// Where the module's memory is, adjacent parts as one.
  private static func memory(of module: KernelModuleReport) -> [String] {
    var parts: [(start: UInt64, size: UInt64)] = []
    let regions = module.regions.compactMap { region in
      UInt64(region.address.dropFirst(2), radix: 16).map { (start: $0, size: region.size) }
    }
    for region in regions.sorted(by: { $0.start < $1.start }) where region.size > 0 {
      if let last = parts.last, last.start + last.size == region.start {
        parts[parts.count - 1].size += region.size
      } else {
        parts.append(region)
      }
    }
    return parts.map { "0x\(String($0.start, radix: 16))+\($0.size)" }
  }
}
