internal import Bytes
internal import HostSystem
internal import ObjectFiles
internal import Targets

/// Writes a machine's memory as QEMU's `dump-guest-memory` does without paging: an ELF core with
/// a PT_LOAD for each block of guest memory, whose `p_vaddr` and `p_paddr` are the physical address
/// (dump/dump.c, `write_elf64_load`), and the notes that `MachineNotes` makes.
///
/// Absent memory is in no PT_LOAD: a block falls into the parts that are there. Zeros that are
/// filtered are memory beyond `p_filesz`: zeros by the gABI, but left out of the dump for readers who
/// follow makedumpfile (libkdumpfile, unless its attribute `file.zero_excluded` is set).
///
/// The file is one of 32 bits if the machine isn't in long mode and all its memory ends below 4 GiB
/// (target/i386/arch_dump.c, `cpu_get_dump_info`), as it does where flash takes the firmware's place.
struct ELFDumpWriter {
  let machine: Machine
  let options: VMCoreOptions
  let files: [MappedFile]
  let release: @Sendable (ByteView) -> Void

  func write(
    to output: any DumpOutput, _ progress: ProgressHandler
  ) throws(VMCoreError) -> VMCoreSummary {
    let blocks = machine.dumpedBlocks(in: options.range)
    let survey = try MemorySurvey(
      machine.memory, blocks, MemorySurvey.Filter(options), release: release)
    guard !survey.extents.isEmpty else { throw .nothingToWrite(range: options.range) }
    let notes = MachineNotes(machine, vmcoreInfo: options.vmcoreInfo?.copy())
    let layout = try layout(survey, notes, isWide: !fitsIn32Bits(notes, survey))

    try hosted { () throws(HostError) in
      try output.write(ByteView(copying: layout.head).bytes, at: 0)
    }
    let transfers = transfers(survey, layout)
    let meter = ProgressMeter(
      "writing memory", total: transfers.reduce(0) { $0 + $1.count }, progress)
    let written = try MemoryCopier(memory: machine.memory, files: files, release: release)
      .copy(transfers, to: output, threads: options.effectiveThreadCount, meter)
    try hosted { () throws(HostError) in try output.finish(size: layout.fileSize) }
    meter.finish()

    var summary = VMCoreSummary()
    summary.written = survey.stored
    summary.zeros = survey.stored - written
    summary.filtered = survey.filtered
    summary.excluded = survey.excluded
    summary.absent = survey.absent
    summary.fileSize = layout.fileSize
    summary.remarks = notes.remarks
    if survey.filtered > 0 {
      summary.remarks.append("some readers take filtered zeros for memory that was left out")
    }
    return summary
  }

  /// Where each span goes: its extent's contents are the pieces of the layout, in the same order.
  private func transfers(_ survey: MemorySurvey, _ layout: CoreLayout) -> [MemoryTransfer] {
    var transfers: [MemoryTransfer] = []
    transfers.reserveCapacity(survey.spans.count)
    var spans = survey.spans[...]
    var pieces = layout.pieces[...]
    for (index, extent) in survey.extents.enumerated() where extent.dataCount > 0 {
      guard let piece = pieces.popFirst() else { break }
      while let span = spans.first, span.extent == index {
        spans.removeFirst()
        transfers.append(
          MemoryTransfer(
            start: span.start, count: span.count,
            offset: piece.fileOffset.rawValue
              + (span.start.rawValue - extent.start.rawValue)))
      }
    }
    return transfers
  }

  private func fitsIn32Bits(_ notes: MachineNotes, _ survey: MemorySurvey) -> Bool {
    // The class depends on all of the memory, not on the range asked for.
    let end = machine.dumpedBlocks(in: nil).last?.range.upperBound.rawValue ?? 0
    // What headers and padding may add to the file, generously.
    let room = UInt64(survey.extents.count + 1) * 0x2000 + UInt64(notes.bytes.count)
    return notes.machine == .i386 && end <= UInt64(UInt32.max)
      && survey.stored + room < UInt64(UInt32.max)
  }

  private func layout(
    _ survey: MemorySurvey, _ notes: MachineNotes, isWide: Bool
  ) throws(VMCoreError) -> CoreLayout {
    var writer = ELFCoreWriter(machine: notes.machine)
    writer.declaredAlignment = 0
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
