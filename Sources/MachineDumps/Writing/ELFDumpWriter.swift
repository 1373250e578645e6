internal import Bytes
internal import HostSystem
internal import ObjectFiles
internal import Targets

/// Writes a machine's memory as QEMU's `dump-guest-memory` does without paging: an ELF core with
/// a PT_LOAD for each block of guest memory, whose `p_vaddr` and `p_paddr` are the physical address
/// (dump/dump.c, `write_elf64_load`), and the notes that `MachineNotes` makes.
///
/// Absent memory is in no PT_LOAD: a block falls into the parts that are there. Zeros that are
/// filtered are memory beyond `p_filesz`, which the gABI and all readers take for zeros.
///
/// The file is one of 32 bits if the machine isn't in long mode and all its memory ends below 4 GiB
/// (target/i386/arch_dump.c, `cpu_get_dump_info`), as it does where flash takes the firmware's place.
struct ELFDumpWriter {
  let machine: Machine
  let options: VMCoreOptions
  let release: @Sendable (ByteView) -> Void

  func write(
    to output: any DumpOutput, _ progress: ProgressHandler
  ) throws(VMCoreError) -> VMCoreSummary {
    let blocks = machine.dumpedBlocks(in: options.range)
    let survey = try MemorySurvey(
      machine.memory, blocks, filtersZeros: options.filtersZeroPages, release: release)
    guard !survey.extents.isEmpty else { throw .nothingToWrite(range: options.range) }
    let notes = MachineNotes(machine, vmcoreInfo: options.vmcoreInfo?.copy())
    let layout = try layout(survey, notes, isWide: !fitsIn32Bits(notes, survey))

    try hosted { () throws(HostError) in
      try output.write(ByteView(copying: layout.head).bytes, at: 0)
    }
    let stored = survey.extents.filter { $0.dataCount > 0 }
    let transfers = zip(stored, layout.pieces).map { extent, piece in
      MemoryTransfer(
        start: extent.start, count: extent.dataCount, offset: piece.fileOffset.rawValue)
    }
    let meter = ProgressMeter(
      "writing memory", total: survey.present - survey.filtered, progress)
    let zeros = try MemoryCopier(memory: machine.memory, release: release)
      .copy(transfers, to: output, threads: options.effectiveThreadCount, meter)
    try hosted { () throws(HostError) in try output.finish(size: layout.fileSize) }
    meter.finish()

    var summary = VMCoreSummary()
    summary.written = survey.present - survey.filtered
    summary.zeros = zeros
    summary.filtered = survey.filtered
    summary.absent = survey.absent
    summary.fileSize = layout.fileSize
    summary.remarks = notes.remarks
    return summary
  }

  private func fitsIn32Bits(_ notes: MachineNotes, _ survey: MemorySurvey) -> Bool {
    // The class depends on all of the memory, not on the range asked for.
    let end = machine.dumpedBlocks(in: nil).last?.range.upperBound.rawValue ?? 0
    // What headers and padding may add to the file, generously.
    let room = UInt64(survey.extents.count + 1) * 0x2000 + UInt64(notes.bytes.count)
    return notes.machine == .i386 && end <= UInt64(UInt32.max)
      && survey.present + room < UInt64(UInt32.max)
  }

  private func layout(
    _ survey: MemorySurvey, _ notes: MachineNotes, isWide: Bool
  ) throws(VMCoreError) -> CoreLayout {
    var writer = ELFCoreWriter(machine: notes.machine)
    writer.isWide = isWide
    writer.addNotes(encoded: notes.bytes)
    for extent in survey.extents {
      var segment = CoreOutputSegment(
        address: VirtualAddress(extent.start.rawValue), memorySize: extent.count,
        permissions: [],
        contents: extent.dataCount == 0 ? .absent : .deferred(count: extent.dataCount))
      segment.physicalAddress = extent.start
      writer.addSegment(segment)
    }
    do throws(ObjectError) {
      return try writer.layout()
    } catch {
      throw .layout(error)
    }
  }
}
