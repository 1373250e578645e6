import Bytes
import HostSystem
import MachineDumps
import ObjectFiles
import TestWorlds
import Testing

/// What Varve makes of the machine in a dump that QEMU wrote must be that dump again.
@Suite struct QMPComparisonTests {
  @Test(arguments: QMPDump.subjects)
  func notesAreTheSameBytes(_ subject: LaboratoryManifest.Subject) throws {
    let dump = try QMPDump(subject)
    let notes = MachineNotes(dump.machine, vmcoreInfo: dump.machine.vmcoreInfo?.copy())
    #expect(notes.machine == dump.core.machine)
    #expect(notes.bytes == dump.notes)
    #expect(notes.remarks == [])
  }

  /// The smaller ones only: tests aren't optimised.
  @Test(arguments: QMPDump.subjects.filter { ($0.memory ?? .max) <= 128 << 20 })
  func segmentsAreTheSame(_ subject: LaboratoryManifest.Subject) throws {
    let dump = try QMPDump(subject)
    let scratch = try ScratchDirectory()
    var options = VMCoreOptions(format: .elf)
    options.vmcoreInfo = dump.machine.vmcoreInfo
    let summary = try VMCoreWriter(dump.machine, options).write(to: scratch.file("vmcore"))
    let file = try MappedFile.open(scratch.file("vmcore"))
    let core = try CoreFile(file.bytes)
    #expect(core.diagnostics == [])
    #expect(core.segments.count == dump.core.segments.count)
    for (mine, theirs) in zip(core.segments, dump.core.segments) {
      #expect(mine.address == theirs.address)
      #expect(mine.physicalAddress == theirs.physicalAddress)
      #expect(mine.memorySize == theirs.memorySize)
      #expect(mine.fileSize == theirs.fileSize)
      #expect(mine.permissions == theirs.permissions)
      #expect(try contents(of: mine, in: file) == contents(of: theirs, in: dump.file))
    }
    #expect(summary.written == dump.core.segments.reduce(0) { $0 + $1.memorySize })
  }

  private func contents(of segment: CoreSegment, in file: MappedFile) throws -> [UInt8] {
    try file.bytes.subview(at: segment.fileOffset.rawValue, count: segment.fileSize).copy()
  }
}
