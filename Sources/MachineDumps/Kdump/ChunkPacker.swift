import Bytes
import Compression
import HostSystem
import Targets

/// Packs portions of a machine's memory. Each thread has one of its own.
struct ChunkPacker {
  let memory: PhysicalMemory
  let plan: KdumpPlan
  let pool: ChunkPool
  private let packer: PagePacker

  private static let pageSize = KdumpPlan.pageSize

  init(
    _ compression: PageCompression, memory: PhysicalMemory, plan: KdumpPlan, pool: ChunkPool
  ) throws(VMCoreError) {
    self.memory = memory
    self.plan = plan
    self.pool = pool
    do throws(PageCompressionError) {
      packer = try PagePacker(compression)
    } catch {
      throw .compression("\(error)")
    }
  }

  /// Packs the pages of `span`, if it is one whose bytes have to be looked at.
  func pack(_ span: KdumpPlan.Span) throws(VMCoreError) -> PackedChunk {
    var chunk = pool.take(span)
    guard span.kind == .data else { return chunk }
    do throws(PageCompressionError) {
      var page = span.pages.lowerBound
      while page < span.pages.upperBound {
        page += try packRun(at: page, limit: span.pages.upperBound - page, into: &chunk)
      }
    } catch {
      throw .compression("\(error)")
    }
    return chunk
  }

  /// Packs up to `limit` pages that lie together; gives how many.
  private func packRun(
    at page: UInt64, limit: UInt64, into chunk: inout PackedChunk
  ) throws(PageCompressionError) -> UInt64 {
    let run = memory.run(
      at: PhysicalAddress(page * Self.pageSize), limit: limit * Self.pageSize)
    let count = min(run.count / Self.pageSize, limit)
    if count == 0 {
      try packMixedPage(page, into: &chunk)
      return 1
    }
    switch run {
    case .zeros: chunk.pages.append(contentsOf: repeatElement(.zeros, count: Int(count)))
    case .absent(let reason, _):
      chunk.pages.append(contentsOf: repeatElement(.absent(reason), count: Int(count)))
    case .bytes(let view):
      try packBytes(view, count: Int(count), into: &chunk)
      chunk.views.append(view.clampedSubview(at: 0, count: count * Self.pageSize))
    }
    return count
  }

  private func packBytes(
    _ view: ByteView, count: Int, into chunk: inout PackedChunk
  ) throws(PageCompressionError) {
    let bytes = view.bytes
    let size = Int(Self.pageSize)
    for index in 0..<count {
      let page = bytes.extracting(index * size..<(index + 1) * size)
      if page.isZero {
        chunk.pages.append(.zeros)
      } else {
        let stored = try packer.append(page, to: &chunk.packed)
        chunk.pages.append(.stored(UInt32(stored)))
      }
    }
  }

  /// A page whose bytes have different fates. If some of its memory is absent, all of it is: the
  /// format knows whole pages only. What is no memory of the machine reads as zeros.
  private func packMixedPage(
    _ number: UInt64, into chunk: inout PackedChunk
  ) throws(PageCompressionError) {
    let start = number * Self.pageSize
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(Self.pageSize))
    while UInt64(bytes.count) < Self.pageSize {
      let position = start + UInt64(bytes.count)
      let left = Self.pageSize - UInt64(bytes.count)
      let run = memory.run(at: PhysicalAddress(position), limit: left)
      // A source that breaks its contract must not make this loop endless.
      let count = min(max(run.count, 1), left)
      switch run {
      case .bytes(let view) where !view.isEmpty:
        bytes.append(contentsOf: view.clampedSubview(at: 0, count: count).copy())
      case .absent(let reason, _) where plan.isMemory(position..<position + count):
        chunk.pages.append(.absent(reason))
        return
      case .bytes, .zeros, .absent:
        bytes.append(contentsOf: repeatElement(0, count: Int(count)))
      }
    }
    try packBytes(ByteView(copying: bytes), count: 1, into: &chunk)
  }
}
