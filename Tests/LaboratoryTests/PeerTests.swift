import TestWorlds
import Testing
import Varve

/// What the field's own tools make of the dumps that `varve vmcore` writes, beside what they make of
/// QEMU's own dump of the same pause.
@Suite struct PeerTests {
  private static let formats = VMCoreFormat.allCases.filter { $0 != .raw }.map(\.rawValue)

  private static func subject(_ name: String) throws -> LaboratoryManifest.Subject {
    try LaboratoryManifest.subject(name)
  }

  private static func peer(_ name: String) throws -> String { try subject(name).path }

  /// Writes the core of the subject `name` in `format`; gives the dump's path.
  private func dump(
    _ name: String, as format: String, level: Int? = nil, in directory: ScratchDirectory
  ) throws -> String {
    let subject = try Self.subject(name)
    let path = directory.file("\(name).\(format)")
    let result = try Command.run(
      ["vmcore", try #require(subject.core), "-q", "-o", path, "--format", format]
        + (level.map { ["-d", "\($0)"] } ?? []) + subject.commandLineOptions, in: directory)
    try #require(result.status == 0, "\(result.text)")
    return path
  }

  /// The tasks that drgn finds in `dump`, a line each.
  private func tasksByDrgn(
    _ dump: String, in directory: ScratchDirectory
  ) throws -> (status: String, tasks: [String]) {
    try directory.write(
      """
      from drgn.helpers.linux.pid import for_each_task
      for task in for_each_task(prog):
          print("TASK", hex(task.value_()), task.pid.value_(), task.comm.string_().decode())
      """, to: "tasks.py")
    let text = try Tool.run(
      "bash", "-c",
      "'\(Self.peer("peer-drgn"))' -q -c '\(dump)' -s '\(Self.peer("vmlinux-debug"))' tasks.py 2>&1",
      in: directory, mayFail: true)
    let lines = text.split(separator: "\n").map(String.init)
    return (text, lines.filter { $0.hasPrefix("TASK ") })
  }

  /// The lines of crash's `ps` and `sys`, without those that name the dump's file.
  private func linesByCrash(_ dump: String, in directory: ScratchDirectory) throws -> [String] {
    try directory.write("ps\nsys\nbt -a\nquit\n", to: "commands")
    let text = try Tool.run(
      "bash", "-c",
      "crash -s -i commands '\(Self.peer("vmlinux-debug"))' '\(dump)' < /dev/null 2>&1",
      in: directory, mayFail: true)
    return text.split(separator: "\n").map(String.init).filter { line in
      !line.contains("DUMPFILE:")
    }
  }

  @Test(arguments: formats) func drgnListsTheTasksOfQEMUsDump(_ format: String) throws {
    let directory = try ScratchDirectory()
    let qmp = try #require(try Self.subject(Self.compared).truth["qmp_dump"])
    let expected = try tasksByDrgn(qmp, in: directory).tasks
    #expect(expected.count > 50)
    #expect(expected.contains { $0.hasSuffix(" 1 init") })
    let found = try tasksByDrgn(
      dump(Self.compared, as: format, in: directory), in: directory)
    #expect(found.tasks == expected)
  }

  private static let compared = "vm-pc-256-debug"

  /// What crash says of QEMU's own dump: it takes ten seconds, so it is asked once.
  private static let expectedOfCrash = Result {
    try PeerTests().linesByCrash(
      #require(try subject(compared).truth["qmp_dump"]), in: ScratchDirectory())
  }

  @Test(arguments: formats) func crashShowsWhatItShowsOfQEMUsDump(_ format: String) throws {
    let directory = try ScratchDirectory()
    let expected = try Self.expectedOfCrash.get()
    #expect(expected.contains { $0.contains("RELEASE: 6.1.") })
    #expect(expected.contains { $0.contains("[swapper/0]") })
    let found = try linesByCrash(dump(Self.compared, as: format, in: directory), in: directory)
    #expect(found == expected)
  }

  /// Nothing that they need is left out at the highest level.
  @Test(arguments: ["elf", "kdump-zlib"]) func filteredDumpsShowTheSame(_ format: String) throws {
    let directory = try ScratchDirectory()
    let qmp = try #require(try Self.subject(Self.compared).truth["qmp_dump"])
    let filtered = try dump(Self.compared, as: format, level: 31, in: directory)
    let expected = try tasksByDrgn(qmp, in: directory).tasks
    #expect(expected.count > 50)
    #expect(try tasksByDrgn(filtered, in: directory).tasks == expected)
    let shown = try linesByCrash(filtered, in: directory).filter { !$0.contains("[PARTIAL DUMP]") }
    #expect(shown == (try Self.expectedOfCrash.get()))
  }

  /// Without QEMU's symbols the dump is as good.
  @Test func drgnReadsTheDumpOfAStrippedQEMU() throws {
    let directory = try ScratchDirectory()
    for name in ["vm-pc-256-stripped-7.2", "vm-pc-256-stripped-10"] {
      let qmp = try #require(try Self.subject(name).truth["qmp_dump"])
      let expected = try tasksByDrgn(qmp, in: directory).tasks
      let found = try tasksByDrgn(dump(name, as: "kdump-zstd", in: directory), in: directory)
      #expect(expected.count > 50)
      #expect(found.tasks == expected, "\(name)")
    }
  }

  /// The guest never loaded the driver that tells QEMU where its VMCOREINFO is.
  @Test func drgnOpensADumpWhoseGuestNeverTold() throws {
    let directory = try ScratchDirectory()
    let name = "vm-pc-3840-debug"
    let qmp = try #require(try Self.subject(name).truth["qmp_dump"])
    let refused = try tasksByDrgn(qmp, in: directory)
    #expect(refused.tasks == [])
    #expect(refused.status.contains("-device vmcoreinfo"))
    for format in ["elf", "kdump-zlib"] {
      let found = try tasksByDrgn(dump(name, as: format, in: directory), in: directory)
      #expect(found.tasks.contains { $0.hasSuffix(" 1 init") }, "\(found.status)")
      #expect(found.tasks.count > 50)
    }
  }
}
