public import Bytes
public import Targets

/// A guest's physical memory put together from where its blocks lie in the QEMU process. No byte is
/// copied: segments are views of the dump.
public struct GuestMemoryAssembly: Sendable {
  public private(set) var segments: [PhysicalSegment] = []
  /// In ascending order without overlaps.
  public private(set) var map: [MemoryMapEntry] = []
  /// What the dump lacks of the guest's memory, but a file has.
  public private(set) var absentBackings: [AbsentBacking] = []
  /// Which claims of the layout weren't believed, a line each.
  public private(set) var diagnostics: [String] = []

  /// More pieces than any dump's memory comes in: ranges that lie could each show every piece.
  static let segmentLimit = 1 << 20

  /// - Parameters:
  ///   - layout: may claim anything: ranges are cut to their blocks, blocks to what is mapped, and
  ///     where ranges overlap, the one that starts first is seen.
  ///   - standIns: what to show where the dump lacks the process's memory.
  public init(_ layout: GuestMemoryLayout, in process: Process, standIns: [HostStandIn] = []) {
    let contents = HostContents(process, standIns: standIns)
    let ends = layout.blocks.map { contents.end(ofBlockAt: $0.host) }
    let ranges = layout.ranges.indices.sorted {
      (layout.ranges[$0].start, $0) < (layout.ranges[$1].start, $1)
    }
    for index in ranges {
      guard segments.count < Self.segmentLimit else {
        diagnostics.append("the memory from \(layout.ranges[index].start) on is in too many pieces")
        break
      }
      guard let entry = believed(layout.ranges[index], layout.blocks) else { continue }
      map.append(entry)
      let block = layout.ranges[index].block
      add(entry, of: layout.blocks[block], endingAt: ends[block], contents)
    }
  }

  public var memory: PhysicalMemory { PhysicalMemory(segments) }

  /// What can be true of `range`, given its block and the ranges before it; nil if nothing can.
  private mutating func believed(
    _ range: GuestFlatRange, _ blocks: [GuestRAMBlock]
  ) -> MemoryMapEntry? {
    guard blocks.indices.contains(range.block) else {
      diagnostics.append("the memory at \(range.start) is of a block that isn't there")
      return nil
    }
    let block = blocks[range.block]
    var start = range.start
    var offset = range.offset
    var count = range.count
    if let end = map.last?.last, start <= end, count > 0 {
      let skip = end.rawValue - start.rawValue + 1
      diagnostics.append("the memory at \(start) (\(block.name)) overlaps what lies before it")
      // `skip` is 0 when the range before reaches the end of the space.
      guard skip > 0, skip < count, let moved = offset.advanced(exactly: skip) else { return nil }
      start = start &+ skip
      offset = moved
      count -= skip
    }
    let room = block.count > offset ? block.count - offset : 0
    // No range reaches past the end of the address space, nor its block past that of the process.
    let fits = min(room, UInt64.max - start.rawValue, UInt64.max - block.host.rawValue)
    if count > fits {
      diagnostics.append(
        "the memory at \(start) claims \(count) bytes at \(offset) of \(block.name), which has \(block.count)"
      )
      count = fits
    }
    guard count > 0, block.host.advanced(by: offset)?.advanced(by: count - 1) != nil else {
      return nil
    }
    return MemoryMapEntry(
      start: start, count: count, kind: range.kind, block: block.name, blockOffset: offset)
  }

  private mutating func add(
    _ entry: MemoryMapEntry, of block: GuestRAMBlock, endingAt end: VirtualAddress,
    _ contents: HostContents
  ) {
    let host = block.host &+ entry.blockOffset
    var done: UInt64 = 0
    let parts = contents.parts(
      of: host, count: entry.count, blockStart: block.host, blockEnd: end)
    for part in parts {
      segments.append(
        PhysicalSegment(start: entry.start &+ done, count: part.count, contents: part.contents))
      if case .absent(let reason) = part.contents { note(part, reason, of: block, contents) }
      done += part.count
    }
  }

  private mutating func note(
    _ part: HostContents.Part, _ reason: MemoryFault.Reason, of block: GuestRAMBlock,
    _ contents: HostContents
  ) {
    if reason == .unmapped {
      diagnostics.append("the process has no memory at \(part.start), in \(block.name)")
    }
    guard let file = contents.file(at: part.start) else { return }
    absentBackings.append(
      AbsentBacking(
        block: block.name, start: part.start, count: part.count, path: file.path,
        fileOffset: file.offset))
  }
}

extension UInt64 {
  /// The sum; nil if it doesn't fit.
  fileprivate func advanced(exactly count: UInt64) -> UInt64? {
    let (sum, overflow) = addingReportingOverflow(count)
    return overflow ? nil : sum
  }
}

extension Machine {
  /// The machine that runs in the QEMU process `process`.
  ///
  /// - Parameters:
  ///   - layout: where its memory is; what can't be true of it is cut off and told in the
  ///     diagnostics.
  ///   - standIns: what to show where the dump lacks the process's memory.
  public convenience init(
    qemu process: Process, layout: GuestMemoryLayout, cpus: [VCPU], type: String? = nil,
    vmcoreInfo: ByteView? = nil, standIns: [HostStandIn] = [], evidence: [String] = [],
    diagnostics: [String] = []
  ) {
    let assembly = GuestMemoryAssembly(layout, in: process, standIns: standIns)
    self.init(
      memory: assembly.memory, map: assembly.map, cpus: cpus, type: type, vmcoreInfo: vmcoreInfo,
      evidence: layout.evidence + evidence,
      diagnostics: layout.diagnostics + assembly.diagnostics + diagnostics)
  }
}
