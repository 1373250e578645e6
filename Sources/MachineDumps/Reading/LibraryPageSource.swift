import Bytes
import HostSystem
import Synchronization
import Targets

/// The memory in a dump that libkdumpfile reads, by physical address. As many threads read at a time
/// as there are CPUs, each through an object of the library's of its own; pages are kept in the
/// library's cache of 1024 pages.
final class LibraryPageSource: PageSource {
  /// What one thread at a time uses.
  private final class Slot: Sendable {
    let context: Mutex<KdumpContext>

    init(_ context: consuming KdumpContext) { self.context = Mutex(context) }
  }

  private let file: OpenFile
  private let slots: [Slot]
  /// Which pages the dump holds.
  private let present: Mutex<KdumpBitmap?>
  let pageSize: UInt64

  /// How many bytes are read at a time.
  private static let chunk: UInt64 = 1 << 20
  private static let slotLimit = 16
  private static let defaultPageSize: UInt64 = 4096

  /// The library's object of `file`, and what it holds apart from memory.
  init(_ file: OpenFile, _ first: consuming KdumpContext) {
    self.file = file
    let stored = first.number("arch.page_size") ?? Self.defaultPageSize
    pageSize = stored > 0 && stored & (stored - 1) == 0 ? stored : Self.defaultPageSize
    present = Mutex(first.bitmap("file.pagemap"))
    var slots: [Slot] = []
    for _ in 1..<max(2, min(Host.processorCount, Self.slotLimit)) {
      if let copy = first.clone() { slots.append(Slot(copy)) }
    }
    slots.append(Slot(first))
    self.slots = slots
  }

  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    do throws(KdumpFailure) {
      return .bytes(try read(offset, count: Int(min(limit, Self.chunk))))
    } catch {
      switch error.kind {
      case .absent: return .absent(.excluded, count: min(limit, absentBytes(from: offset)))
      // A page that is damaged is as lost as one that the file ends before.
      case .ended, .unknownFormat, .other:
        return .absent(.truncated, count: min(limit, pageSize - offset % pageSize))
      }
    }
  }

  private func read(_ offset: UInt64, count: Int) throws(KdumpFailure) -> ByteView {
    for slot in slots {
      let bytes = try slot.context.withLockIfAvailable { context throws(KdumpFailure) in
        try context.read(offset, count: count)
      }
      if let bytes { return bytes }
    }
    // All are in use: wait for one, which one needn't be fair.
    let slot = slots[Int(offset / Self.chunk % UInt64(slots.count))]
    return try slot.context.withLock { context throws(KdumpFailure) in
      try context.read(offset, count: count)
    }
  }

  func presentCount(from offset: UInt64, count: UInt64) -> UInt64 {
    present.withLock { bitmap in
      guard bitmap != nil else { return count }
      let end = offset.addingClamped(count)
      var held: UInt64 = 0
      var next = offset
      while next < end, let first = bitmap?.firstSet(from: next / pageSize) {
        let lower = max(next, first.multipliedClamped(by: pageSize))
        let clear = bitmap?.firstClear(from: first) ?? .max
        let upper = min(end, clear.multipliedClamped(by: pageSize))
        guard lower < upper else { break }
        held += upper - lower
        next = upper
      }
      return held
    }
  }

  /// How far from `offset`, whose page the dump doesn't hold, the next page lies that it holds.
  private func absentBytes(from offset: UInt64) -> UInt64 {
    let page = offset / pageSize
    let toNextPage = pageSize - offset % pageSize
    let next = present.withLock { bitmap in
      guard let found = bitmap?.firstSet(from: page + 1) else {
        return bitmap == nil ? page + 1 : UInt64.max
      }
      return found
    }
    let (start, overflow) = next.multipliedReportingOverflow(by: pageSize)
    return overflow ? .max : max(start - offset, toNextPage)
  }
}

extension UInt64 {
  /// The product, or the largest number if it is bigger.
  fileprivate func multipliedClamped(by factor: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
