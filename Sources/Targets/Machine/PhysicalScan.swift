public import Bytes
import Dispatch

/// Goes through all of a machine's memory on all CPUs, piece by piece, so that memory larger than
/// the host's can be searched.
public struct PhysicalScan: Sendable {
  public let memory: PhysicalMemory
  private let release: @Sendable (ByteView) -> Void

  /// Windows are at most this large, in bytes: small enough to stay in a CPU's second cache between
  /// being mapped and being read.
  public static let windowSize: UInt64 = 1 << 20

  /// `release` is called with each window when it is done with: a mapping's pages can be let go.
  public init(_ memory: PhysicalMemory, release: @escaping @Sendable (ByteView) -> Void = { _ in })
  {
    self.memory = memory
    self.release = release
  }

  /// A part of memory that one CPU searches at one go.
  private struct Piece: Sendable {
    let start: PhysicalAddress
    let count: UInt64
  }

  private static let pieceSize: UInt64 = 16 << 20
  /// Segments may claim any size, so the pieces grow with them.
  private static let pieceLimit: UInt64 = 1 << 14

  private func pieces() -> [Piece] {
    let searchable = memory.segments.filter { segment in
      switch segment.contents {
      case .bytes, .source: true
      case .zeros, .absent: false
      }
    }
    var result: [Piece] = []
    for segment in searchable {
      let size = max(Self.pieceSize, segment.count / Self.pieceLimit)
      var done: UInt64 = 0
      while done < segment.count {
        let count = min(size, segment.count - done)
        result.append(Piece(start: segment.start &+ done, count: count))
        done += count
      }
    }
    return result
  }

  /// Shows every byte there is, except those that are known to be zeros, to `body`: several threads
  /// at once, in no particular order. Windows begin where segments do and then at multiples of
  /// `windowSize` further on, or wherever a source begins a new run.
  public func forEachWindow(_ body: @Sendable (PhysicalAddress, ByteView) -> Void) {
    let pieces = pieces()
    DispatchQueue.concurrentPerform(iterations: pieces.count) { index in
      let piece = pieces[index]
      var done: UInt64 = 0
      while done < piece.count {
        let run = memory.run(
          at: piece.start &+ done, limit: min(piece.count - done, Self.windowSize))
        if case .bytes(let view) = run {
          body(piece.start &+ done, view)
          release(view)
        }
        // A source that breaks its contract must not make this loop endless.
        done += min(max(run.count, 1), piece.count - done)
      }
    }
  }
}

extension ByteView {
  /// Calls `body` with the offset of each occurrence of `word` at `first` or a multiple of 8 bytes
  /// further on, until it returns false.
  @inlinable
  public func forEachOccurrence(
    of word: UInt64, from first: UInt64, _ body: (UInt64) -> Bool
  ) {
    let stored = UInt64(littleEndian: word)
    guard UInt64(count) >= 8 else { return }
    let last = UInt64(count) - 8
    var offset = first
    do throws(ByteError) {
      while offset <= last {
        if try load(UInt64.self, at: offset) == stored, !body(offset) { return }
        offset += 8
      }
    } catch {
      // Not reached: `offset` stays within the view.
      return
    }
  }
}
