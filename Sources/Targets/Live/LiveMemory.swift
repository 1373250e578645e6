import Bytes
import HostSystem

/// The memory of a process that runs, by address, through `/proc/PID/mem`. Nothing is stopped, and
/// nothing is changed but for page tables.
///
/// What is read in small pieces is kept for a while, so that structures which are visited again look
/// the same; what is read in large ones is read anew each time.
final class LiveMemory: Sendable {
  private let memory: OpenFile
  /// Which pages the process has: nil if that can't be read.
  private let pageMap: OpenFile?
  private let cache = PageCache(limit: 4096)

  static let pageSize: UInt64 = UInt64(Host.pageSize)
  /// How many bytes are read at a time.
  private static let chunk: UInt64 = 1 << 20

  /// Throws what `/proc/PID/mem` can't be opened for.
  init(_ files: ProcessFiles) throws(HostError) {
    memory = try files.open("mem")
    do throws(HostError) {
      pageMap = try files.open("pagemap")
    } catch {
      pageMap = nil  // Then untouched memory is read like any other.
    }
  }

  func run(at address: UInt64, limit: UInt64) -> MemoryRun {
    let page = address & ~(Self.pageSize - 1)
    let skip = address - page
    guard limit <= Self.pageSize else { return fetch(address, count: min(limit, Self.chunk)) }
    if let known = cache[page] {
      return .bytes(known.clampedSubview(at: skip, count: limit))
    }
    let run = fetch(page, count: Self.pageSize)
    guard case .bytes(let bytes) = run, UInt64(bytes.count) > skip else {
      return .absent(.unmapped, count: min(limit, Self.pageSize - skip))
    }
    cache[page] = bytes
    return .bytes(bytes.clampedSubview(at: skip, count: limit))
  }

  private func fetch(_ address: UInt64, count: UInt64) -> MemoryRun {
    do throws(HostError) {
      let bytes = try memory.bytes(at: address, count: Int(count))
      if !bytes.isEmpty { return .bytes(bytes) }
    } catch {
      // EIO: unmapped meanwhile, or never readable.
    }
    return .absent(.unmapped, count: min(count, Self.pageSize - address % Self.pageSize))
  }

  /// Whether the process ever touched the page at `address`, and how many bytes from there on, at most
  /// `limit`, lie in pages with the same answer. Nil if that can't be told.
  ///
  /// Untouched pages of private anonymous memory are zeros, and reading them would make page tables
  /// for them; in a private mapping of a file they are the file's, and reading them would fill its
  /// holes.
  ///
  /// Each page has a u64 in `/proc/PID/pagemap`: bit 63 tells that it is in memory, bit 62 that it is
  /// swapped out (or on its way between two places). Source: Documentation/admin-guide/mm/pagemap.rst.
  func stretch(from address: UInt64, limit: UInt64) -> (isTouched: Bool, count: UInt64)? {
    // Where memory is in use, no more is looked up than is read at a time.
    guard let near = lookUp(address, min(limit, Self.chunk)) else { return nil }
    guard !near.isTouched, near.count == Self.chunk, limit > Self.chunk else { return near }
    return lookUp(address, min(limit, Self.mapChunk)) ?? near
  }

  private func lookUp(_ address: UInt64, _ limit: UInt64) -> (isTouched: Bool, count: UInt64)? {
    guard let pageMap, limit > 0 else { return nil }
    let first = address / Self.pageSize
    let end = address + limit
    let pages = (end + Self.pageSize - 1) / Self.pageSize - first
    do throws(HostError) {
      let entries = try pageMap.bytes(at: first * 8, count: Int(pages * 8))
      let known = UInt64(entries.count) / 8
      guard known > 0 else { return nil }
      let isTouched = Self.isTouched(entries, 0)
      var same: UInt64 = 1
      while same < known, Self.isTouched(entries, same) == isTouched { same += 1 }
      return (isTouched, min((first + same) * Self.pageSize, end) - address)
    } catch {
      return nil  // Then the memory is read.
    }
  }

  /// How much memory is looked up at a time: 512 KiB of the map.
  private static let mapChunk: UInt64 = 256 << 20

  private static func isTouched(_ entries: ByteView, _ index: UInt64) -> Bool {
    do throws(ByteError) {
      return try entries.load(UInt64.self, at: index * 8) >> 62 != 0
    } catch {
      return true  // Not reached: `index` lies within the entries.
    }
  }
}

/// A region of a process that runs, by address.
struct LiveRegionSource: PageSource {
  let memory: LiveMemory
  /// The memory is the process's alone and comes from no file.
  let isPrivateAnonymous: Bool
  /// The file that the region is a private mapping of, and what added to an address gives the place
  /// in it: pages that the process never touched are the file's still, and its holes stay holes.
  var file: (memory: SharedFileMemory, offset: UInt64)?

  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    // A page by itself isn't worth a look, unless a file's hole may be there.
    guard file != nil || isPrivateAnonymous && limit > LiveMemory.pageSize,
      let stretch = memory.stretch(from: offset, limit: limit)
    else { return memory.run(at: offset, limit: limit) }
    if stretch.isTouched { return memory.run(at: offset, limit: stretch.count) }
    guard let file else { return .zeros(count: stretch.count) }
    return file.memory.run(at: offset &+ file.offset, limit: stretch.count)
  }
}
