import TestWorlds
import Testing

extension Laboratory {
  /// Cores of QEMU with QEMU's own dump of the guest, taken at the same pause.
  static let machines = LaboratoryManifest.subjects.filter {
    $0.kind == "machine-core" && $0.truth["qmp_dump"] != nil
  }
}

extension LaboratoryManifest.Subject {
  /// What `varve` needs to know beside the core.
  var commandLineOptions: [String] {
    var words: [String] = []
    if let sysroot { words += ["--sysroot", sysroot] }
    // Where the core holds the memory itself, the file would only repeat it.
    if let ramFile { words += ["--ram-file", ramFile] }
    return words
  }
}

/// `varve vmcore` against QEMU's own `dump-guest-memory`.
@Suite struct MachineDumpTests {
  @Test(arguments: Laboratory.machines)
  func mapContentsAndRegistersAreQEMUsOwn(_ subject: LaboratoryManifest.Subject) throws {
    let directory = try ScratchDirectory()
    let core = try #require(subject.core)
    let result = try Command.run(
      ["vmcore", core, "-o", "vmcore", "-q"] + subject.commandLineOptions, in: directory)
    if subject.excludedBlock == "pc.ram" {
      // Nothing of the guest is in the core: no output, and one line that says so.
      #expect(result.status == 1)
      #expect(result.text == "varve: vmcore: there is no memory to write")
      return
    }
    try #require(result.status == 0, "\(result.text)")
    let ours = try ELFDumpFile(directory.file("vmcore"))
    let theirs = try ELFDumpFile(try #require(subject.truth["qmp_dump"]))
    #expect(ours.core.is64Bit == theirs.core.is64Bit)
    #expect(ours.core.machine == theirs.core.machine)
    #expect(ours.registers == theirs.registers)
    if subject.excludedBlock == nil {
      #expect(ours.map == theirs.map)
    } else {
      // What the core leaves out is in no PT_LOAD; the rest is there.
      let present = try presentMemory(subject, theirs)
      #expect(ours.loads.reduce(0) { $0 + $1.memorySize } == present)
    }
    try ours.expectContents(of: theirs, in: directory)
  }

  /// How much of QEMU's dump isn't of the block that the core leaves out, by `info mtree -f`.
  private func presentMemory(
    _ subject: LaboratoryManifest.Subject, _ theirs: ELFDumpFile
  ) throws -> UInt64 {
    let block = try #require(subject.excludedBlock)
    let tree = try #require(try subject.answer("mtree"))
    let flatView = try #require(
      tree.components(separatedBy: "FlatView #").first { $0.contains("AS \"memory\"") })
    var excluded: UInt64 = 0
    for line in flatView.split(separator: "\n") where line.contains(": \(block)") {
      let bounds = line.split(separator: " ")[0].split(separator: "-")
      let first = try #require(UInt64(bounds[0], radix: 16))
      let last = try #require(UInt64(bounds[1], radix: 16))
      excluded += last - first + 1
    }
    #expect(excluded > 0)
    return theirs.loads.reduce(0) { $0 + $1.memorySize } - excluded
  }
}
