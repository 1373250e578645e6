import TestWorlds
import Testing

/// A guest's kernel says the same wherever its memory lies, and whatever is missing beside it.
@Suite("A guest's kernel from every source", .enabled(if: Laboratory.isThere))
struct GuestSourcesTests {
  let answers: GuestAnswers
  var directory: ScratchDirectory { answers.directory }

  init() throws { answers = GuestAnswers(directory: try ScratchDirectory()) }

  static let subject = "kernel-6.1-cloud-idle"

  /// One machine's memory in another form.
  enum Source: String, CaseIterable, CustomTestStringConvertible {
    case strippedCore, qmpDump, elf, kdumpZlib, kdumpZstd, raw

    var testDescription: String { rawValue }

    /// Registers of vCPUs have no place there.
    var hasRegisters: Bool { self != .raw }

    /// Makes it if need be; gives what `varve` is told.
    func input(_ subject: LaboratoryManifest.Subject, in directory: ScratchDirectory) throws
      -> String
    {
      switch self {
      case .strippedCore: return try #require(subject.truth["stripped_core"])
      case .qmpDump: return try #require(subject.truth["qmp_dump"])
      case .elf: return try written(subject, ["--format", "elf"], in: directory)
      case .kdumpZlib: return try written(subject, ["--format", "kdump-zlib"], in: directory)
      case .kdumpZstd: return try written(subject, ["--format", "kdump-zstd"], in: directory)
      case .raw:
        let range = ["--begin", "0", "--length", String(try #require(subject.memory))]
        return try written(subject, ["--format", "raw"] + range, in: directory) + "@0"
      }
    }

    private func written(
      _ subject: LaboratoryManifest.Subject, _ options: [String], in directory: ScratchDirectory
    ) throws -> String {
      let core = try #require(subject.core)
      let written = try Command.run(
        ["vmcore", core, "-o", rawValue, "-q"] + options, in: directory)
      #expect(written.status == 0, "\(written.text)")
      return directory.file(rawValue)
    }
  }

  /// The process whose mappings are compared.
  private func process(_ subject: LaboratoryManifest.Subject) throws -> Int {
    try #require(try GuestTruth(subject).processes(named: "chrooted").first).pid
  }

  @Test(arguments: Source.allCases)
  func everySourceSaysTheSame(_ source: Source) throws {
    let subject = try LaboratoryManifest.subject(Self.subject)
    let core = try #require(subject.core)
    let input = try source.input(subject, in: directory)
    let pid = try process(subject)
    for command in GuestAnswers.commands {
      let cpus = source.hasRegisters
      let expected = try answers.answer(command, of: core, pid: pid, cpus: cpus)
      let found = try answers.answer(command, of: input, pid: pid, cpus: cpus)
      let difference = try answers.difference(expected, found)
      // Without symbols CPUs are taken for such only if TCG has ever run them (`df` is 1 or -1), and
      // this QEMU got its machine by a migration and never ran it.
      withKnownIssue {
        #expect(difference == "", "\(command) of \(source)")
      } when: {
        source == .strippedCore && command[0] == "bt"
      }
    }
  }

  /// A core of QEMU in place, and QEMU's own dump of the same moment.
  @Test(
    arguments: LaboratoryManifest.subjects.filter {
      $0.kind == "kernel-core" && $0.name != subject
        && (LaboratoryManifest.isEverythingWanted || $0.scenario == "panic")
    })
  func coreAndDumpSayTheSame(_ subject: LaboratoryManifest.Subject) throws {
    let core = try #require(subject.core)
    let dump = try #require(subject.truth["qmp_dump"])
    let pid = try process(subject)
    for command in GuestAnswers.commands {
      let expected = try answers.answer(command, of: core, pid: pid)
      let found = try answers.answer(command, of: dump, pid: pid)
      #expect(try answers.difference(expected, found) == "", "\(command) of \(subject)")
    }
  }

  /// A kernel that was built without BTF, as good as.
  @Test func typesComeFromTheVMLinuxIfThereIsNoBTF() throws {
    let subject = try LaboratoryManifest.subject(Self.subject)
    let dump = try #require(subject.truth["qmp_dump"])
    let vmlinux = try #require(subject.vmlinux)
    let poorer = try GuestDumpCopy.make(of: dump, without: .types, named: "poorer", in: directory)
    let pid = try process(subject)
    for command in GuestAnswers.commands {
      let command = command + ["--symbols", vmlinux]
      let expected = try answers.answer(command, of: dump, pid: pid)
      let found = try answers.answer(command, of: poorer, pid: pid)
      #expect(try answers.difference(expected, found) == "", "\(command)")
    }
    let other = try LaboratoryManifest.subject("kernel-vmlinux-6.12-cloud").path
    for (options, reason) in [
      ([], "the kernel's image holds no BTF: without its vmlinux (--symbols) no type is known"),
      (["--symbols", other], "\(other) is not used: its build-id is "),
    ] {
      let refused = try Command.run(["ps", poorer] + options, in: directory)
      #expect(refused.status == 1)
      #expect(refused.text.contains("there is no type struct task_struct"))
      #expect(refused.text.contains(reason), "\(refused.text)")
    }
  }

  @Test(arguments: [
    GuestDumpCopy.Losses.vmcoreInfo, .registers, [.vmcoreInfo, .registers],
  ])
  func whatIsLostIsFoundAnotherWay(_ losses: GuestDumpCopy.Losses) throws {
    let subject = try LaboratoryManifest.subject(Self.subject)
    let dump = try #require(subject.truth["qmp_dump"])
    let poorer = try GuestDumpCopy.make(of: dump, without: losses, named: "poorer", in: directory)
    let pid = try process(subject)
    for command in GuestAnswers.commands {
      let cpus = !losses.contains(.registers)
      let expected = try answers.answer(command, of: dump, pid: pid, cpus: cpus)
      let found = try answers.answer(command, of: poorer, pid: pid, cpus: cpus)
      #expect(try answers.difference(expected, found) == "", "\(command) with \(losses)")
    }
  }
}
