public import Bytes
public import Compression
public import HostSystem
import ObjectFiles
public import Targets

extension VMCoreFormat {
  /// How the format packs pages; nil if it isn't kdump-compressed.
  public var pageCompression: PageCompression? {
    switch self {
    case .kdumpZlib: .zlib
    case .kdumpLZO: .lzo
    case .kdumpSnappy: .snappy
    case .kdumpZstd: .zstd
    case .elf, .raw: nil
    }
  }
}

extension PageCompression {
  /// What a kdump's header and the descriptors of packed pages say.
  var kdumpFlag: UInt32 {
    switch self {
    case .zlib: KdumpHeader.Flag.zlib
    case .lzo: KdumpHeader.Flag.lzo
    case .snappy: KdumpHeader.Flag.snappy
    case .zstd: KdumpHeader.Flag.zstd
    }
  }
}

/// Writes a machine's memory as a kdump-compressed dump.
///
/// Bitmap 1 has the pages that are memory of the machine, bitmap 2 those whose contents follow. A
/// page that is absent from the input, filtered or outside the range asked for is in the first only,
/// as makedumpfile has it: crash, drgn and libkdumpfile then say that it was left out. All pages of
/// zeros share one. The output is the same whatever the number of threads.
public struct KdumpWriter: Sendable {
  public let machine: Machine
  public let compression: PageCompression
  public let options: VMCoreOptions
  /// The notes of an ELF dump of the machine: NT_PRSTATUS and the others.
  public let notes: [UInt8]
  /// Called with bytes of the machine's memory that won't be read again: whoever mapped them from a
  /// file can let their pages go, so that memory stays within bounds.
  public var release: @Sendable (ByteView) -> Void = { _ in }

  /// `options.format` isn't looked at.
  public init(
    _ machine: Machine, compression: PageCompression, options: VMCoreOptions, notes: [UInt8]
  ) {
    self.machine = machine
    self.compression = compression
    self.options = options
    self.notes = notes
  }

  /// Writes all of the dump to `output`, which it finishes. Besides the output's errors it throws
  /// `.nothingToWrite`, `.layout` if the memory map can't be a machine's, and `.compression`.
  public func write(
    to output: any DumpOutput, progress: ProgressHandler = .silent
  ) throws(VMCoreError) -> VMCoreSummary {
    let plan = try KdumpPlan(
      machine, range: options.range, exclusion: options.exclusion)
    let layout = try layout(plan)
    try writeHeaders(layout, to: output)
    var bitmap = BitmapStream(
      output, at: layout.firstBitmap, size: layout.bitmapBlocks * KdumpLayout.blockSize)
    for pages in plan.machinePages { try bitmap.set(pages) }
    try bitmap.flush()

    var pages = KdumpPageWriter(
      output, layout: layout, plan: plan, compression: compression,
      filtersZeros: options.filtersZeroPages, release: release, progress: progress)
    try pack(plan) { chunk throws(VMCoreError) in try pages.write(chunk) }
    return try pages.finish()
  }

  /// No more than 64: each holds a megabyte or so, and the writing can't keep up anyway.
  private var threadCount: Int { min(max(1, options.threadCount ?? Host.processorCount), 64) }

  private func pack(
    _ plan: KdumpPlan, _ consume: (borrowing PackedChunk) throws(VMCoreError) -> Void
  ) throws(VMCoreError) {
    let pool = ChunkPool()
    let work = OrderedWork<PageChunks, PackedChunk> {
      [memory = machine.memory, compression] () throws(VMCoreError) in
      let packer = try ChunkPacker(
        compression, memory: memory, plan: plan, pool: pool)
      return { span throws(VMCoreError) in try packer.pack(span) }
    }
    try work.run(PageChunks(plan), threadCount: threadCount) {
      chunk throws(VMCoreError) in
      try consume(chunk)
      pool.giveBack(chunk)
    }
  }

  // MARK: Headers

  private var vmcoreInfo: ByteView { options.vmcoreInfo ?? .empty }

  private func layout(_ plan: KdumpPlan) throws(VMCoreError) -> KdumpLayout {
    do throws(ObjectError) {
      return try KdumpLayout(
        pageLimit: plan.pageLimit, noteBytes: UInt64(notes.count) + UInt64(vmcoreInfo.count))
    } catch {
      throw .layout(error)
    }
  }

  private func writeHeaders(
    _ layout: KdumpLayout, to output: any DumpOutput
  ) throws(VMCoreError) {
    let info = KernelFacts(vmcoreInfo)
    var header = KdumpHeader()
    // As uname(2) has it.
    let architecture = machine.architecture.name
    header.name = info.systemName(
      in: machine.memory, machine: architecture == "x86-64" ? "x86_64" : architecture)
    header.seconds = info.crashTime ?? 0
    header.status = compression.kdumpFlag
    header.subheaderBlocks = UInt32(clamping: layout.subheaderBlocks)
    header.bitmapBlocks = UInt32(clamping: 2 * layout.bitmapBlocks)
    header.pageLimit = UInt32(clamping: layout.pageLimit)
    header.cpuCount = UInt32(clamping: max(1, machine.cpus.count))

    var subheader = KdumpSubheader()
    subheader.physicalBase = UInt64(bitPattern: info.physicalBase ?? 0)
    // makedumpfile's own header says with which level a dump was made.
    subheader.dumpLevel = UInt32(options.level?.rawValue ?? 0) | (options.filtersZeroPages ? 1 : 0)
    subheader.pageLimit = layout.pageLimit
    if !notes.isEmpty {
      subheader.notes = KdumpExtent(offset: layout.notes, count: UInt64(notes.count))
    }
    if !vmcoreInfo.isEmpty {
      subheader.vmcoreInfo = KdumpExtent(
        offset: layout.notes + UInt64(notes.count), count: UInt64(vmcoreInfo.count))
    }
    // Whole blocks, so that readers of single blocks find them.
    let size = Int(KdumpLayout.blockSize)
    var bytes = header.encoded()
    bytes += repeatElement(0, count: size - bytes.count)
    bytes += subheader.encoded()
    bytes += notes
    bytes += vmcoreInfo.copy()
    bytes += repeatElement(0, count: Int(layout.firstBitmap) - bytes.count)
    let view = ByteView(copying: bytes)
    try hosted { () throws(HostError) in try output.write(view.bytes, at: 0) }
  }
}
