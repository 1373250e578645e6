internal import Bytes
internal import HostSystem
internal import Targets

/// Writes memory alone, each byte at the offset of its physical address. What isn't memory, and
/// memory that is absent, can't be told from zeros in such a file.
struct RawDumpWriter {
  let machine: Machine
  let options: VMCoreOptions
  let files: [MappedFile]
  let release: @Sendable (ByteView) -> Void

  func write(
    to output: any DumpOutput, _ progress: ProgressHandler
  ) throws(VMCoreError) -> VMCoreSummary {
    let blocks = machine.dumpedBlocks(in: options.range)
    let survey = try MemorySurvey(
      machine.memory, blocks, MemorySurvey.Filter(), release: release)
    let absent = survey.absent.values.reduce(0, +)
    if let gap = survey.firstGap, !options.allowsAbsentAsZeros {
      throw .absentMemory(
        first: gap.start, count: gap.count, reason: gap.reason, total: absent)
    }
    guard let last = blocks.last, !survey.extents.isEmpty else {
      throw .nothingToWrite(range: options.range)
    }
    let transfers = survey.spans.map {
      MemoryTransfer(start: $0.start, count: $0.count, offset: $0.start.rawValue)
    }
    let meter = ProgressMeter(
      "writing memory", total: transfers.reduce(0) { $0 + $1.count }, progress)
    let written = try MemoryCopier(memory: machine.memory, files: files, release: release)
      .copy(transfers, to: output, threads: options.effectiveThreadCount, meter)
    let size = last.range.upperBound.rawValue
    try hosted { () throws(HostError) in try output.finish(size: size) }
    meter.finish()

    var summary = VMCoreSummary()
    summary.written = survey.stored
    summary.zeros = survey.stored - written
    summary.absent = survey.absent
    summary.fileSize = size
    summary.remarks = remarks(
      absent: absent, elsewhere: size - survey.stored - absent)
    return summary
  }

  private func remarks(absent: UInt64, elsewhere: UInt64) -> [String] {
    var remarks = ["registers and VMCOREINFO have no place in this format"]
    if absent > 0 {
      remarks.append("\(absent) bytes of absent memory read as zeros")
    }
    if elsewhere > 0 {
      remarks.append("\(elsewhere) bytes of addresses that weren't written read as zeros")
    }
    return remarks
  }
}
