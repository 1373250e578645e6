public import Bytes
import Dispatch
import Synchronization
public import Targets

/// Hands out a region's bytes piece by piece, so that a reader of dumps larger than memory can
/// let go of each piece before the next.
public protocol MemoryWindows: Sendable {
  /// Calls `body` with pieces of `region` in ascending order, at most a few megabytes each and each
  /// starting at a multiple of 8. Pieces that hold only zeros (a hole in the dump's file) may be
  /// passed over.
  func forEachWindow(in region: MemoryRegion, _ body: (VirtualAddress, ByteView) -> Void)
}

/// Windows that are cut from the regions' own views.
public struct MappedWindows: MemoryWindows {
  /// In bytes.
  public static let windowSize: UInt64 = 4 << 20

  public init() {}

  public func forEachWindow(in region: MemoryRegion, _ body: (VirtualAddress, ByteView) -> Void) {
    region.forEachWindow(of: Self.windowSize) { address, bytes in
      body(address, bytes)
      return true
    }
  }
}

/// Two neighbouring words that could be a coroutine's `stack` and `stack_size`.
struct StackReference: Hashable, Sendable {
  /// Where the first of the two words is.
  let address: VirtualAddress
  let stack: CoroutineStack
}

/// Finds every pair of words in memory that describes a possible stack.
struct StackReferenceSearch: Sendable {
  let process: HostProcess
  let table: StackTable

  /// No real process has as many; memory that was made to have them isn't followed further.
  static let limit = 1 << 20

  /// A part of memory to be searched at one go.
  private struct Piece: Sendable {
    let region: MemoryRegion
  }

  /// Searches `regions` on all CPUs. `isComplete` is false if there were more than `limit`.
  func references(
    in regions: [MemoryRegion], windows: some MemoryWindows
  ) -> (found: [StackReference], isComplete: Bool) {
    let pieces = regions.flatMap(Self.pieces)
    let results = Mutex<(found: [StackReference], isComplete: Bool)>(([], true))
    DispatchQueue.concurrentPerform(iterations: pieces.count) { index in
      var found: [StackReference] = []
      windows.forEachWindow(in: pieces[index].region) { address, bytes in
        if found.count < Self.limit { search(bytes, at: address, into: &found) }
      }
      guard !found.isEmpty else { return }
      results.withLock { results in
        let room = Self.limit - results.found.count
        results.found.append(contentsOf: found.prefix(room))
        if found.count > room { results.isComplete = false }
      }
    }
    let all = results.withLock { $0 }
    return (all.found.sorted { $0.address < $1.address }, all.isComplete)
  }

  /// Cuts a region into parts that keep every CPU busy; a pair of words may straddle two of them,
  /// since the second word is read from memory at large.
  private static func pieces(of region: MemoryRegion) -> [Piece] {
    let size: UInt64 = 64 << 20
    return stride(from: 0, to: region.count, by: Int(size)).compactMap { offset in
      let lower = region.start &+ offset
      let end = region.start &+ min(region.count, offset + size)
      return lower < end ? region.clipped(to: lower..<end).map(Piece.init) : nil
    }
  }

  private func search(
    _ bytes: ByteView, at start: VirtualAddress, into found: inout [StackReference]
  ) {
    let skip = (8 &- start.rawValue & 7) & 7
    var offset = skip
    let count = UInt64(bytes.count)
    guard count >= 8 else { return }
    let last = count - 8
    do throws(ByteError) {
      while offset <= last {
        let word = try bytes.load(UInt64.self, at: offset)
        // Nearly every word fails here: it must be page-aligned and not 0.
        if word & 0xfff == 0, word != 0, table.mayHoldBase(word) {
          if let reference = reference(base: word, at: start &+ offset) { found.append(reference) }
          if found.count >= Self.limit { return }
        }
        offset += 8
      }
    } catch {
      // Not reached: `offset` stays within the view.
      return
    }
  }

  private func reference(base: UInt64, at address: VirtualAddress) -> StackReference? {
    do throws(MemoryFault) {
      let size = try process.memory.word(at: address &+ 8)
      return table.stack(base: base, size: size).map {
        StackReference(address: address, stack: $0)
      }
    } catch {
      // The region ends with the first word: no pair.
      return nil
    }
  }
}
