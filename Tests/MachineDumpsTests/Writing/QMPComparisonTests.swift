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

  /// A few only, for tests aren't optimised: one of each mode, and one whose dump is of 32 bits.
  private static let some = ["vm-microvm-debug", "vm-pc-real-debug", "vm-q35-flash-debug"]

  @Test(arguments: QMPDump.subjects.filter { some.contains($0.name) })
  func segmentsAreTheSame(_ subject: LaboratoryManifest.Subject) throws {
    let dump = try QMPDump(subject)
    let scratch = try ScratchDirectory()
    var options = VMCoreOptions(format: .elf)
    options.vmcoreInfo = dump.machine.vmcoreInfo
    let summary = try VMCoreWriter(dump.machine, options).write(to: scratch.file("vmcore"))
    let file = try MappedFile.open(scratch.file("vmcore"))
    let mine = try ELFDump(file.bytes)
    #expect(mine.diagnostics == [])
    #expect(mine.machine == dump.core.machine)
    #expect(mine.is64Bit == dump.core.is64Bit)
    let loads = mine.segments.filter { $0.type == .load }
    #expect(loads.count == dump.loads.count)
    for (mine, theirs) in zip(loads, dump.loads) {
      #expect(mine.address == theirs.address)
      #expect(mine.physicalAddress == theirs.physicalAddress)
      #expect(mine.memorySize == theirs.memorySize)
      #expect(mine.fileSize == theirs.fileSize)
      #expect(mine.permissions == theirs.permissions)
      #expect(try contents(of: mine, in: file) == contents(of: theirs, in: dump.file))
    }
    #expect(summary.written == dump.loads.reduce(0) { $0 + $1.memorySize })
  }

  private func contents(of segment: ELFSegment, in file: MappedFile) throws -> [UInt8] {
    try file.bytes.subview(at: segment.fileOffset.rawValue, count: segment.fileSize).copy()
  }
}
