import Bytes
import Targets

/// The words of a program's variables (`.data` and `.bss`) that point into memory that was
/// allocated. All of QEMU's structures hang on such a word, and no guest can write there.
struct GlobalPointers: Sendable {
  /// A variable, or a part of one, and what it points to.
  struct Pointer: Hashable, Sendable {
    /// Where the word is.
    let address: UInt64
    /// What it holds: the address, a multiple of 8, of writable memory that isn't a variable.
    let target: UInt64
  }

  /// In ascending order of `address`.
  let pointers: [Pointer]
  /// How many bytes of variables there were to be read.
  let searched: UInt64

  /// More are not looked at; QEMU's own have some ten thousand.
  static let limit = 1 << 20

  /// Reads the variables in `globals` of `process`.
  init(
    in globals: [Range<VirtualAddress>], of process: HostProcess, windows: some MemoryWindows
  ) {
    let writable = WritableRanges(process, without: globals)
    var found: [Pointer] = []
    var searched: UInt64 = 0
    for range in globals {
      for region in process.memory.regions(in: range) {
        searched += region.count
        windows.forEachWindow(in: region) { start, view in
          Self.search(view, at: start, writable, into: &found)
        }
      }
    }
    pointers = found
    self.searched = searched
  }

  private static func search(
    _ view: ByteView, at start: VirtualAddress, _ writable: WritableRanges,
    into found: inout [Pointer]
  ) {
    let count = UInt64(view.count)
    guard count >= 8 else { return }
    let last = count - 8
    var offset = (8 &- start.rawValue & 7) & 7
    do throws(ByteError) {
      while offset <= last, found.count < limit {
        let word = try view.load(UInt64.self, at: offset)
        // Nearly every word fails here.
        if word & 7 == 0, word > writable.lowest, word < writable.highest, writable.contains(word) {
          found.append(Pointer(address: start.rawValue &+ offset, target: word))
        }
        offset += 8
      }
    } catch {
      // Not reached: `offset` stays within the view.
    }
  }
}

/// Where a process may have allocated something.
struct WritableRanges: Sendable {
  private let starts: [UInt64]
  private let ends: [UInt64]
  let lowest: UInt64
  let highest: UInt64

  init(_ process: HostProcess, without globals: [Range<VirtualAddress>]) {
    let mappings = process.mappings.filter { mapping in
      mapping.isWritable && mapping.count > 0 && !globals.contains { $0.contains(mapping.start) }
    }
    starts = mappings.map(\.start.rawValue)
    ends = mappings.map(\.end.rawValue)
    lowest = starts.first ?? .max
    highest = ends.max() ?? 0
  }

  func contains(_ address: UInt64) -> Bool {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= address { low = middle + 1 } else { high = middle }
    }
    return low > 0 && address < ends[low - 1]
  }
}

extension AddressSpace {
  /// The parts of regions that lie in `range` and have bytes, at hand or to be fetched.
  func regions(in range: Range<VirtualAddress>) -> [MemoryRegion] {
    regions.compactMap { $0.isReadable ? $0.clipped(to: range) : nil }
  }
}
