import Bytes
import Compression
import ObjectFiles
import Synchronization
import Targets

/// The memory in a kdump-compressed dump, by physical address. Pages are unpacked when they are
/// wanted; those that the dump holds as they are stay where they are. Any number of threads may read.
final class KdumpPageSource: PageSource {
  private let bytes: ByteView
  private let present: PageBitmap
  private let ranks: PageRanks
  private let descriptors: UInt64
  private let cache: PageCache
  /// Where the page of zeros lies that all such pages share; 0 until it was met.
  private let zeroPage = Atomic<UInt64>(0)

  private let pageSize: UInt64
  /// How many bytes of pages are kept once they are unpacked.
  private static let cached: UInt64 = 16 << 20
  /// How many bytes of pages are unpacked at a time.
  private static let chunk: UInt64 = 1 << 20
  /// Descriptors of pages that share one packed page are passed over quickly, so many at a time.
  private static let zeroChunk: UInt64 = 1 << 18

  init(_ container: KdumpContainer) {
    bytes = container.bytes
    pageSize = container.pageSize
    cache = PageCache(limit: Int(Self.cached / container.pageSize))
    present = container.present
    ranks = PageRanks(container.present)
    descriptors = container.descriptors
  }

  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    let page = offset / pageSize
    let skip = offset % pageSize
    // How many pages `limit` reaches into.
    let pages = (limit - 1) / pageSize + 1 + (skip > 0 ? 1 : 0)
    guard present.contains(page) else {
      let (end, overflow) = page.addingReportingOverflow(pages)
      let next = present.first(set: true, from: page, before: overflow ? .max : end)
      let absent = next.map { ($0 - page) * pageSize - skip } ?? limit
      return .absent(.excluded, count: min(limit, absent))
    }
    if limit <= pageSize, let known = cache[page] {
      return .bytes(known.clampedSubview(at: skip, count: limit))
    }
    let rank = ranks.rank(of: page)
    let whole = read(page, rank, pages)
    switch whole {
    case .bytes(let view):
      if limit <= pageSize, UInt64(view.count) == pageSize { cache[page] = view }
      return .bytes(view.clampedSubview(at: skip, count: limit))
    case .zeros(let count): return .zeros(count: min(limit, count - skip))
    case .absent(let reason, let count): return .absent(reason, count: min(limit, count - skip))
    }
  }

  func presentCount(from offset: UInt64, count: UInt64) -> UInt64 {
    let end = offset.addingClamped(count)
    let held = ranks.rank(below: end / pageSize) - ranks.rank(below: offset / pageSize)
    var bytes = held * pageSize
    // The first page may be wanted without its front, the last one alone with it.
    if present.contains(offset / pageSize) { bytes -= min(bytes, offset % pageSize) }
    if present.contains(end / pageSize) { bytes += end % pageSize }
    return min(bytes, count)
  }

  /// Whole pages from `page` on, whose descriptor is the one at `rank`: one at least, at most `limit`.
  private func read(_ page: UInt64, _ rank: UInt64, _ limit: UInt64) -> MemoryRun {
    let far = min(present.count, page + min(limit, Self.zeroChunk))
    let count = (present.first(set: false, from: page, before: far) ?? far) - page
    guard let first = descriptor(rank) else { return .absent(.truncated, count: pageSize) }
    if isZero(first) {
      var pages: UInt64 = 1
      while pages < min(count, Self.zeroChunk), descriptor(rank + pages).map(isZero) == true {
        pages += 1
      }
      return .zeros(count: pages * pageSize)
    }
    if first.flags & Self.packed == 0 {
      return plain(first, rank, min(count, Self.chunk / pageSize))
    }
    return unpacked(first, rank, min(count, Self.chunk / pageSize))
  }

  private func descriptor(_ rank: UInt64) -> KdumpPageDescriptor? {
    do throws(ByteError) {
      return try KdumpPageDescriptor(
        bytes, at: descriptors + rank * UInt64(KdumpPageDescriptor.size))
    } catch {
      return nil  // The file ends before it.
    }
  }

  private func isZero(_ descriptor: KdumpPageDescriptor) -> Bool {
    let known = zeroPage.load(ordering: .relaxed)
    return known != 0 && descriptor.offset == known
  }

  /// All flags that say how a page is packed.
  private static let packed =
    KdumpHeader.Flag.zlib | KdumpHeader.Flag.lzo | KdumpHeader.Flag.snappy | KdumpHeader.Flag.zstd

  /// Pages that lie in the file as they are, one directly after another.
  private func plain(
    _ first: KdumpPageDescriptor, _ rank: UInt64, _ limit: UInt64
  ) -> MemoryRun {
    var pages: UInt64 = 1
    while pages < limit, let next = descriptor(rank + pages), next.flags & Self.packed == 0,
      next.offset == first.offset &+ pages * pageSize
    {
      pages += 1
    }
    let view = bytes.clampedSubview(at: first.offset, count: pages * pageSize)
    let whole = UInt64(view.count) / pageSize
    guard whole > 0, UInt64(first.size) == pageSize else {
      return .absent(.truncated, count: pageSize)
    }
    if haveOnlyZeros(view, pageSize) { zeroPage.store(first.offset, ordering: .relaxed) }
    return .bytes(view.clampedSubview(at: 0, count: whole * pageSize))
  }

  private func unpacked(
    _ first: KdumpPageDescriptor, _ rank: UInt64, _ limit: UInt64
  ) -> MemoryRun {
    var result: [UInt8] = []
    result.reserveCapacity(Int(limit * pageSize))
    var page = [UInt8](repeating: 0, count: Int(pageSize))
    var descriptor = first
    do throws(PageCompressionError) {
      guard let compression = Self.compression(first) else {
        return .absent(.truncated, count: pageSize)
      }
      let unpacker = try PageUnpacker(compression)
      for index in 0..<limit {
        if index > 0 {
          guard let next = self.descriptor(rank + index), next.flags == first.flags, !isZero(next)
          else { break }
          descriptor = next
        }
        let packed = bytes.clampedSubview(at: descriptor.offset, count: UInt64(descriptor.size))
        guard packed.count == Int(descriptor.size), !packed.isEmpty else { break }
        try unpacker.unpack(packed.bytes, into: &page)
        result += page
        if index == 0, !page.contains(where: { $0 != 0 }) {
          zeroPage.store(descriptor.offset, ordering: .relaxed)
        }
      }
    } catch {
      // A page that is damaged is as lost as one that the file ends before; those before it aren't.
    }
    if result.isEmpty { return .absent(.truncated, count: pageSize) }
    return .bytes(ByteView(copying: result))
  }

  private static func compression(_ descriptor: KdumpPageDescriptor) -> PageCompression? {
    switch descriptor.flags & packed {
    case KdumpHeader.Flag.zlib: .zlib
    case KdumpHeader.Flag.lzo: .lzo
    case KdumpHeader.Flag.snappy: .snappy
    case KdumpHeader.Flag.zstd: .zstd
    default: nil
    }
  }

  /// Whether the first `count` bytes of `view`, which has them, are all zeros.
  private func haveOnlyZeros(_ view: ByteView, _ count: UInt64) -> Bool {
    let span = view.bytes
    for index in 0..<min(Int(count), span.byteCount) where span[index] != 0 { return false }
    return true
  }
}
