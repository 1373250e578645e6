import Foundation
import TestWorlds
import Testing
import Varve

/// Of a core of QEMU that ends early, the guest's memory is shown as far as it is there: every byte
/// is QEMU's own, what is missing is said to be, and nothing traps or hangs.
@Suite(.enabled(if: LaboratoryManifest.problem == nil, "there is no laboratory"))
struct MachineDamageTests {
  /// Small ones: the same is done a hundred times.
  private static let stripped = "vm-pc-real-stripped-7.2"
  private static let withDebugInformation = "vm-q35-noguest-debug"

  /// A core, and what QEMU itself dumped at the same pause.
  private struct Subject {
    let file: MappedFile
    let truth: PhysicalMemory
    let finder: DebugFileFinder
    let usesDebugInformation: Bool

    init(_ name: String, usesDebugInformation: Bool) throws {
      let subject = try LaboratoryManifest.subject(name)
      file = try MappedFile.open(try #require(subject.core))
      let dump = try MachineDump(opening: try #require(subject.truth["qmp_dump"]))
      truth = dump.machine.memory
      self.usesDebugInformation = usesDebugInformation
      finder = DebugFileFinder(
        DebugFilePlaces(
          debugDirectories: [], debuginfod: .off, givenFiles: [subject.executable].compactMap { $0 }
        ))
    }

    /// The machine in the first `size` bytes of the core. Nothing is copied.
    func machine(cutAt size: UInt64) throws -> Machine {
      let core = try CoreFile(file.bytes.clampedSubview(at: 0, count: size))
      let process = try Targets.Process(core: core, finder: finder)
      var options = QEMUMachine.Options()
      options.usesDebugInformation = usesDebugInformation
      let found = try QEMUMachine.find(
        in: process, options: options,
        search: QEMUMachine.search(given: [], windows: MappedWindows()))
      return Machine(
        found.machine, memory: try found.machine.memory.markingHoles(of: file))
    }

    /// Checks the machine of a core that was cut at `size`. False if nothing can be said of it.
    func check(cutAt size: UInt64, against whole: Machine) throws -> Bool {
      let machine: Machine
      do {
        machine = try self.machine(cutAt: size)
      } catch is ObjectError {
        return false
      } catch is TargetError {
        return false
      } catch let error as MachineError {
        #expect(!error.description.contains("\n"))
        return false
      }
      if machine.map != whole.map {
        // Without all of QEMU's structures the map is told by what memory holds, or ends early, and
        // that is said.
        let isTold = machine.diagnostics.contains {
          $0.contains("told by its contents") || $0.contains("the map from its range")
        }
        #expect(isTold, "cut at \(size): \(machine.map)")
      }
      let missing = try missingBytes(of: machine, size)
      for (cpu, known) in zip(machine.cpus, whole.cpus) {
        #expect(cpu.x86.rip == nil || cpu.x86.rip == known.x86.rip, "cut at \(size)")
        #expect(cpu.x86.cr3 == nil || cpu.x86.cr3 == known.x86.cr3, "cut at \(size)")
      }
      #expect(MachineReport(machine, vmcoreInfo: nil).map.isEmpty == machine.map.isEmpty)
      let registers = RegistersReport(file: "core", cpus: machine.cpus, warnings: [])
      #expect(registers.cpus.count == machine.cpus.count)
      try checkDump(of: machine, missing: missing, size)
      return true
    }

    /// Compares every byte that is there with QEMU's; gives how many aren't there.
    private func missingBytes(of machine: Machine, _ size: UInt64) throws -> UInt64 {
      var missing: UInt64 = 0
      for entry in machine.map where entry.kind.isDumped {
        let range = entry.start..<entry.start &+ entry.count
        try machine.memory.forEachRun(in: range, limit: 1 << 24) { address, run in
          switch run {
          case .absent(_, let count): missing += count
          case .zeros(let count):
            // The same holes at every cut.
            if size == file.size { try checkZeros(address, count) }
          case .bytes(let bytes):
            let expected = try truth.read(address, count: run.count)
            #expect(haveEqualBytes(bytes, expected), "\(address), cut at \(size)")
          }
        }
      }
      return missing
    }

    /// What is a hole in the core is zeros for QEMU, too.
    private func checkZeros(_ address: PhysicalAddress, _ count: UInt64) throws {
      let zeros = ByteView(copying: repeatElement(0, count: Int(min(count, 1 << 20))))
      try truth.forEachRun(in: address..<address &+ count, limit: 1 << 20) { place, run in
        let bytes = try truth.read(place, count: run.count)
        #expect(haveEqualBytes(bytes, zeros.clampedSubview(at: 0, count: run.count)), "\(place)")
      }
    }

    /// What would be written is what is there, and what is absent is counted.
    private func checkDump(of machine: Machine, missing: UInt64, _ size: UInt64) throws {
      let output = DiscardedOutput()
      do {
        let summary = try VMCoreWriter(machine, VMCoreOptions(format: .elf)).write(to: output)
        let all = machine.map.filter(\.kind.isDumped).reduce(0) { $0 + $1.count }
        #expect(summary.absent.values.reduce(0, +) == missing, "cut at \(size)")
        #expect(summary.written + missing == all, "cut at \(size)")
        #expect(output.size == summary.fileSize)
      } catch {
        // There is nothing to write only if nothing is there.
        #expect(missing == machine.map.filter(\.kind.isDumped).reduce(0) { $0 + $1.count })
      }
    }
  }

  private func check(_ subject: Subject, cuts: Int) throws -> Int {
    let whole = try subject.machine(cutAt: subject.file.size)
    #expect(try subject.check(cutAt: subject.file.size, against: whole))
    var found = 0
    for step in 0..<cuts {
      let cut = subject.file.size * UInt64(step) / UInt64(cuts) + UInt64(step * 37 % 4096)
      if try subject.check(cutAt: min(cut, subject.file.size), against: whole) { found += 1 }
    }
    return found
  }

  @Test func aStrippedQEMUsCoreIsCutAtManyOffsets() throws {
    let subject = try Subject(Self.stripped, usesDebugInformation: false)
    // QEMU's own structures come first, the guest's memory after them.
    let cuts = LaboratoryManifest.isEverythingWanted ? 100 : 12
    let found = try check(subject, cuts: cuts)
    #expect(found > cuts / 3, "only \(found) of \(cuts) gave a machine")
  }

  @Test func aCoreWithDebugInformationIsCutAtManyOffsets() throws {
    let cuts = LaboratoryManifest.isEverythingWanted ? 100 : 25
    let found = try check(
      try Subject(Self.withDebugInformation, usesDebugInformation: true), cuts: cuts)
    #expect(found > cuts * 3 / 10, "only \(found) of \(cuts) gave a machine")
  }

  @Test func theCommandWarnsOrFailsWithOneLine() throws {
    let subject = try LaboratoryManifest.subject(Self.stripped)
    let core = try #require(subject.core)
    let size = try MappedFile.open(core).size
    let directory = try ScratchDirectory()
    for quarter: UInt64 in 0...3 {
      let cut = quarter * size / 4 + 100
      try Tool.run(
        "bash", "-c", "cp --sparse=always --reflink=auto '\(core)' cut && truncate -s \(cut) cut",
        in: directory)
      let result = try Command.run(["vmcore", "cut", "-o", "out", "--force"], in: directory)
      if result.status == 0 {
        #expect(result.text.contains("the file ends early"), "\(result.text)")
      } else {
        #expect(result.status == 1, "\(result.text)")
        #expect(result.text.split(separator: "\n").count == 1, "\(result.text)")
      }
    }
  }
}

/// Takes what is written and keeps nothing.
private final class DiscardedOutput: DumpOutput {
  private(set) var size: UInt64 = 0

  func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {}

  func finish(size: UInt64) throws(HostError) { self.size = size }
}
