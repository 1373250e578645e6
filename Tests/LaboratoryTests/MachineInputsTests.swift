import Foundation
import TestWorlds
import Testing
import Varve

/// What `varve vmcore` and its neighbours take beside cores of QEMU: memory files by themselves, memory
/// files beside a core, and every format that they write.
@Suite("Inputs with a machine's memory", .enabled(if: Laboratory.isThere))
struct MachineInputsTests {
  let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  private func varve(_ arguments: String...) throws -> (status: Int, text: String) {
    try Command.run(arguments, in: directory)
  }

  /// The 128 MiB of a q35's RAM begin at 0 and are one piece.
  private static let size: UInt64 = 128 << 20

  // MARK: A memory-backend file by itself

  @Test func aMemoryFileIsAMachine() throws {
    let subject = try LaboratoryManifest.subject("vm-q35-file-debug")
    let file = try #require(subject.ramFile)
    let info = try varve("info", "\(file)@0")
    #expect(info.status == 0)
    #expect(info.text.contains("guest RAM 128.0 MiB there"), "\(info.text)")
    #expect(
      info.text.contains("kernel    Linux 6.1.0")
        && info.text.contains("VMCOREINFO found in guest memory at 0x"), "\(info.text)")

    let dump = try ELFDumpFile(try #require(subject.truth["qmp_dump"]))
    // What QEMU shows of it: not where the BIOS's copy and VGA's window hide it.
    for (place, count) in [(UInt64(0), 0xa0000), (0x100000, Self.size - 0x100000)] {
      let segment = try #require(
        dump.loads.first {
          $0.physicalAddress.rawValue <= place
            && place - $0.physicalAddress.rawValue < $0.fileSize
        })
      let skip = segment.fileOffset.rawValue + (place - segment.physicalAddress.rawValue)
      #expect(segment.fileSize >= place - segment.physicalAddress.rawValue + count)
      let same = try Tool.run(
        "bash", "-c",
        "'\(Command.path)' memory '\(file)@0' --phys \(String(place, radix: 16)) \(count) --binary"
          + " | cmp -n \(count) -i 0:\(skip) - '\(dump.path)' && echo same",
        in: directory, mayFail: true)
      #expect(same == "same\n")
    }

    let half = Self.size / 2
    let parts =
      "\(file)+0:\(half)@0,\(file)+\(half):\(half)@\(half)"
    let written = try varve("vmcore", parts, "-o", "parts", "-q")
    #expect(written.status == 0, "\(written.text)")
    let whole = try varve("vmcore", "\(file)@0", "-o", "whole", "-q")
    #expect(whole.status == 0, "\(whole.text)")
    let segments = try ELFDumpFile(directory.file("parts")).loads
    #expect(segments.reduce(0) { $0 + $1.memorySize } == Self.size)
    try expectSameMemory("parts", "\(file)@0")
    try expectSameMemory("whole", "\(file)@0")
    let report = try varve("info", "parts").text
    #expect(report.contains("kernel    Linux 6.1.0"), "\(report)")
  }

  // MARK: A memory-backend file beside a core that lacks it

  @Test func aMemoryFileThatIsNotTheOneIsNotUsed() throws {
    let subject = try LaboratoryManifest.subject("vm-q35-file-debug")
    let core = try #require(subject.core)
    let other = try directory.write([UInt8](repeating: 7, count: 4096), to: "other.bin")
    let result = try varve("vmcore", core, "-o", "vmcore", "--ram-file", other)
    #expect(result.status == 0, "\(result.text)")
    #expect(result.text.contains("warning: \(other): not used: guest memory is missing of "))
    #expect(result.text.contains("ABSENT"), "\(result.text)")
    // What isn't there is in no PT_LOAD.
    let segments = try ELFDumpFile(directory.file("vmcore")).loads
    #expect(segments.reduce(0) { $0 + $1.memorySize } < 1 << 20)
  }

  @Test func aMemoryFileThatIsTooShortGivesWhatItHas() throws {
    let subject = try LaboratoryManifest.subject("vm-q35-file-debug")
    let core = try #require(subject.core)
    let file = try #require(subject.ramFile)
    try Tool.run(
      "bash", "-c", "head -c \(64 << 20) '\(file)' > ram.bin", in: directory)
    let short = directory.file("ram.bin")
    let result = try varve("vmcore", core, "-o", "vmcore", "--ram-file", short)
    #expect(result.status == 0, "\(result.text)")
    #expect(result.text.contains("): 64.0 MiB"), "\(result.text)")
    let ours = try ELFDumpFile(directory.file("vmcore"))
    try ours.expectContents(
      of: ELFDumpFile(try #require(subject.truth["qmp_dump"])), in: directory)
    let beyond = try varve("memory", "vmcore", "--phys", "4000000", "16")
    #expect(beyond.text.contains("16 bytes missing"), "\(beyond.text)")

    let raw = try varve("info", "\(short)+0:\(Self.size)@0")
    #expect(raw.text.contains("64.0 MiB LOST"), "\(raw.text)")
    #expect(raw.text.contains("has only \(64 << 20) of the \(Self.size) bytes"), "\(raw.text)")
  }

  @Test func aMemoryFileThatIsNotNeededIsTold() throws {
    let subject = try LaboratoryManifest.subject("vm-microvm-debug")
    let core = try #require(subject.core)
    let spare = try directory.write([1], to: "ram.bin")
    let result = try varve("regs", core, "--ram-file", spare)
    #expect(result.status == 0)
    #expect(
      result.text.contains("warning: \(spare): not used: the input holds all guest memory"),
      "\(result.text)")
    let missing = try varve("regs", core, "--ram-file", directory.file("none"))
    #expect(missing.status == 1)
    #expect(!missing.text.contains("\n"), "\(missing.text)")
  }

  // MARK: Every format read again

  @Test(arguments: VMCoreFormat.allCases)
  func everyFormatIsReadAgain(_ format: VMCoreFormat) throws {
    let core = try #require(try LaboratoryManifest.subject("vm-microvm-debug").core)
    // A gap between RAM and ROM, as the machine has, would make 4 GiB of a raw image.
    let range = ["--begin", "0", "--length", "128M"]
    let written = try Command.run(
      ["vmcore", core, "-o", "once", "--format", format.rawValue] + range, in: directory)
    #expect(written.status == 0, "\(written.text)")
    let once = format == .raw ? "once@0" : "once"
    let memory = try digest(core)
    #expect(try digest(once) == memory)
    // What a core tells and the notes of dumps have no room for is lost at the first step.
    var notes: [Substring] = []
    if format != .raw {
      notes = try registers(once)
      #expect(notes.contains { $0.hasPrefix("cr3 ") })
      let known = try Set(registers(core))
      #expect(notes.filter { !known.contains($0) } == [])
      let info = try varve("info", once).text
      #expect(info.contains("kernel    Linux 6.1.0"), "\(info)")
    }
    let all = VMCoreFormat.allCases
    let second = all[(try #require(all.firstIndex(of: format)) + 1) % all.count]
    let again = try Command.run(
      ["vmcore", once, "-o", "twice", "--format", second.rawValue, "-q"] + range, in: directory)
    #expect(again.status == 0, "\(again.text)")
    #expect(try digest(second == .raw ? "twice@0" : "twice") == memory, "\(format) → \(second)")
    if format != .raw, second != .raw { #expect(try registers("twice") == notes) }
  }

  /// Through a pipe, and from there into what makedumpfile and Varve itself make of it.
  @Test(arguments: VMCoreFormat.allCases)
  func everyFormatGoesThroughPipes(_ format: VMCoreFormat) throws {
    let core = try #require(try LaboratoryManifest.subject("vm-microvm-debug").core)
    let memory = try digest(core)
    let command =
      "'\(Command.path)' vmcore '\(core)' -o - --format \(format.rawValue) --begin 0 --length 128M -q"
    try Tool.run("bash", "-c", "set -o pipefail; \(command) | cat > piped", in: directory)
    #expect(try digest(format == .raw ? "piped@0" : "piped") == memory)
    guard format.rawValue.hasPrefix("kdump"), Tool.exists("makedumpfile") else { return }
    try Tool.run(
      "bash", "-c", "set -o pipefail; \(command) | makedumpfile -R arranged", in: directory)
    #expect(try digest("arranged") == memory)
  }

  /// Of the first 128 MiB of physical memory.
  private func digest(_ input: String) throws -> String {
    try Tool.run(
      "bash", "-c",
      "set -o pipefail; '\(Command.path)' memory '\(input)' --phys 0 128M --binary -q | md5sum",
      in: directory)
  }

  private func expectSameMemory(_ one: String, _ other: String) throws {
    #expect(try digest(one) == digest(other), "\(one), \(other)")
  }

  /// All but the first line, which names the file, and the labels.
  private func registers(_ input: String) throws -> [Substring] {
    let result = try varve("regs", input, "-q")
    #expect(result.status == 0, "\(result.text)")
    return result.text.split(separator: "\n")
  }
}
