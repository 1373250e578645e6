import Foundation
import TestWorlds
import Testing
import Varve

/// A kernel's types as its BTF tells them, compared with what drgn reads in the DWARF of the same
/// build; and expressions over its data, compared with drgn's.
@Suite struct KernelTypesTests {
  /// Kernels with a vmlinux that has both BTF and DWARF.
  static let kernels =
    LaboratoryManifest.isEverythingWanted
    ? ["vmlinux-debug", "kernel-vmlinux-6.12-cloud", "kernel-vmlinux-new"] : ["vmlinux-debug"]

  @Test(arguments: kernels) func structuresLieAsDWARFSays(_ kernel: String) throws {
    let path = try LaboratoryManifest.subject(kernel).path
    let image = try ELFImage(MappedFile.open(path).bytes)
    let section = try #require(image.section(named: ".BTF"))
    let types = try BTFTypes(image.contents(of: section))
    let mine = try Self.unambiguousRecords(of: types)
    #expect(mine.count > 3000)
    let theirs = try Self.recordsByDrgn(Array(mine.keys), path)
    var compared = 0
    for (name, description) in mine {
      // drgn doesn't find what no unit that it indexes defines.
      guard let expected = theirs[name] else { continue }
      compared += 1
      #expect(description == expected, "\(name)")
    }
    #expect(compared > mine.count * 9 / 10)
  }

  /// Size and members of each structure and union that has one definition only; of several with one
  /// name drgn gives just any.
  private static func unambiguousRecords(of types: BTFTypes) throws -> [String: String] {
    var found: [String: [String]] = [:]
    for id in types.firstID..<types.endID {
      let node: TypeNode
      do throws(SymbolError) {
        node = try types.node(TypeID(id))
      } catch {
        guard case .unknownType = error else { throw error }
        continue
      }
      guard case .record(let record) = node, let name = record.name, !record.isDeclaration else {
        continue
      }
      let members = record.members.map {
        " \($0.name ?? "None"):\($0.bitOffset):\($0.bitSize ?? 0)"
      }
      found["\(record.kind.rawValue) \(name)", default: []].append(
        "\(record.size)" + members.joined())
    }
    return found.filter { $0.value.count == 1 }.compactMapValues(\.first)
  }

  private static func recordsByDrgn(
    _ names: [String], _ vmlinux: String
  ) throws -> [String: String] {
    let directory = try ScratchDirectory()
    try directory.write(names.joined(separator: "\n"), to: "names")
    try directory.write(
      """
      import drgn
      prog = drgn.Program(drgn.host_platform)
      prog.load_debug_info(["\(vmlinux)"])
      for name in open("names").read().split("\\n"):
          try:
              t = prog.type(name)
          except LookupError:
              continue
          if t.members is None:
              continue
          print("TYPE", name + "|" + str(t.size) + "".join(
              f" {m.name}:{m.bit_offset}:{m.bit_field_size or 0}" for m in t.members))
      """, to: "types.py")
    let drgn = try LaboratoryManifest.subject("peer-drgn").path
    let python = URL(filePath: drgn).deletingLastPathComponent().path + "/venv/bin/python"
    let text = try Tool.run(
      "bash", "-c", "'\(python)' types.py 2>&1", in: directory, mayFail: true)
    var found: [String: String] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("TYPE ") {
      let parts = line.dropFirst(5).split(separator: "|", maxSplits: 1)
      if parts.count == 2 { found[String(parts[0])] = String(parts[1]) }
    }
    return found
  }

  // MARK: Expressions

  /// C for Varve, Python for drgn; both give one number.
  private static let expressions: [(c: String, python: String)] = [
    ("init_task.pid", "prog['init_task'].pid"),
    ("init_task.tasks.next", "prog['init_task'].tasks.next"),
    ("&init_task", "prog['init_task'].address_of_()"),
    ("&init_task.comm[3]", "prog['init_task'].comm[3].address_of_()"),
    ("init_task.comm[0]", "prog['init_task'].comm[0]"),
    ("init_task.in_iowait", "prog['init_task'].in_iowait"),
    ("init_task.sched_class", "prog['init_task'].sched_class"),
    ("init_task.se.load.weight", "prog['init_task'].se.load.weight"),
    (
      "container_of(init_task.tasks.next, struct task_struct, tasks)->signal->nr_threads",
      "container_of(prog['init_task'].tasks.next, 'struct task_struct', 'tasks').signal.nr_threads"
    ),
    ("per_cpu(runqueues, 1).cpu", "per_cpu(prog['runqueues'], 1).cpu"),
    ("&per_cpu(runqueues, 1)", "per_cpu(prog['runqueues'], 1).address_of_()"),
    ("per_cpu(runqueues, 0).idle->pid", "per_cpu(prog['runqueues'], 0).idle.pid"),
    ("init_net.loopback_dev->mtu", "prog['init_net'].loopback_dev.mtu"),
    ("*(int *)&nr_threads", "prog['nr_threads']"),
    ("(*(struct list_head *)&super_blocks).next", "prog['super_blocks'].next"),
    ("sizeof(struct page)", "sizeof(prog.type('struct page'))"),
    ("offsetof(struct task_struct, thread)", "offsetof(prog.type('struct task_struct'), 'thread')"),
    (
      "init_task.cred->uid.val == 0 && init_task.flags & 0x200000",
      "int(prog['init_task'].cred.uid.val == 0 and bool(prog['init_task'].flags & 0x200000))"
    ),
    ("&schedule", "prog['schedule'].address_of_()"),
  ]

  @Test func expressionsAreWorthWhatDrgnSays() throws {
    let subject = try LaboratoryManifest.subject("vm-pc-256-debug")
    let dump = try #require(subject.truth["qmp_dump"])
    let directory = try ScratchDirectory()
    let lines = Self.expressions.map {
      "print('VALUE', hex(int(getattr(\($0.python), 'value_', lambda: \($0.python))()) & (2**64 - 1)))"
    }
    try directory.write(
      "from drgn import *\nfrom drgn.helpers.linux import *\n" + lines.joined(separator: "\n"),
      to: "values.py")
    let drgn = try LaboratoryManifest.subject("peer-drgn").path
    let vmlinux = try LaboratoryManifest.subject("vmlinux-debug").path
    let text = try Tool.run(
      "bash", "-c", "'\(drgn)' -q -c '\(dump)' -s '\(vmlinux)' values.py 2>&1", in: directory,
      mayFail: true)
    let values = text.split(separator: "\n").filter { $0.hasPrefix("VALUE ") }.map {
      String($0.dropFirst(6))
    }
    try #require(values.count == Self.expressions.count, "\(text)")
    let source = try MachineSource(opening: dump)
    for (expression, value) in zip(Self.expressions, values) {
      #expect(try source.printed(expression.c).number == value, "\(expression.c)")
    }
  }
}
