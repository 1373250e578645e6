import Bytes
import Targets

/// Which memory is searched, and in which order.
///
/// Coroutines are allocated on the heap. Guest RAM is most of a core, the guest can write there
/// what it likes, and no structure of QEMU's lies in it: so it is searched last, and only if a
/// stack is left that has no owner.
struct ScanRegions: Sendable {
  /// Where the C library's heap can be.
  var first: [MemoryRegion] = []
  /// Guest RAM, the translator's code buffer, and whatever else is too large for a heap's part.
  var second: [MemoryRegion] = []
  /// The mappings of `second` that aren't the program's own heap, ascending.
  private var large: [Range<VirtualAddress>] = []

  /// From this size on, in bytes, a mapping is taken for guest RAM unless it is known to be heap. A
  /// thread's malloc arena is never larger than 64 MiB (glibc's HEAP_MAX_SIZE).
  static let largeSize: UInt64 = 96 << 20

  init(_ process: HostProcess) {
    for mapping in process.mappings where mapping.isWritable && mapping.count > 0 {
      let isLarge =
        mapping.isExecutable
        || mapping.count >= Self.largeSize && !Self.isProgramHeap(mapping, in: process)
      if isLarge { large.append(mapping.start..<mapping.end) }
      for region in process.memory.regions {
        guard let part = Self.part(of: region, in: mapping) else { continue }
        if isLarge { second.append(part) } else { first.append(part) }
      }
    }
  }

  /// Whether `address` lies in a mapping that is searched last.
  func isLarge(_ address: VirtualAddress) -> Bool {
    large.contains { $0.contains(address) }
  }

  /// The heap that grows from the program's end: the kernel names it, or it lies between the
  /// program and the shared libraries, which are mapped terabytes above.
  private static func isProgramHeap(_ mapping: HostMapping, in process: HostProcess) -> Bool {
    if mapping.path == "[heap]" { return true }
    guard mapping.path == nil,
      let program = process.mappings.first(where: { $0.isExecutable && !$0.isWritable })
    else { return false }
    // The gap between program and heap is random, up to 32 MiB or, for some kernels, 1 GiB.
    guard let distance = mapping.start.offset(from: program.start) else { return false }
    return distance < 2 << 30
  }

  /// The bytes of `region` that lie in `mapping`.
  private static func part(of region: MemoryRegion, in mapping: HostMapping) -> MemoryRegion? {
    guard region.isReadable, mapping.start < mapping.end else { return nil }
    return region.clipped(to: mapping.start..<mapping.end)
  }
}
