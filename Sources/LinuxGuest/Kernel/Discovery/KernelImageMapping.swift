internal import Bytes
internal import Targets

/// The part of memory that page tables map where kernels' images are.
struct KernelImageMapping {
  /// A stretch of the image whose physical addresses follow each other.
  struct Extent {
    let virtual: VirtualAddress
    let physical: PhysicalAddress
    var count: UInt64
  }

  private(set) var extents: [Extent] = []

  /// `__START_KERNEL_map`, and 1 GiB from there: `KERNEL_IMAGE_SIZE` with KASLR
  /// (arch/x86/include/asm/page_64_types.h). Modules come behind.
  static let range =
    VirtualAddress(0xffff_ffff_8000_0000)...VirtualAddress(0xffff_ffff_bfff_ffff)

  /// A kernel maps its image with a few tables: one for each 2 MiB at most.
  private static let tableLimit = 1024
  /// Images are less than 128 MiB. Hostile tables may map more, or the same memory again and again.
  private static let byteLimit: UInt64 = 256 << 20

  init(_ tables: X86PageTables, in memory: PhysicalMemory) {
    var left = Self.byteLimit
    tables.forEachMapping(in: Self.range, of: memory, tableLimit: Self.tableLimit) { mapping in
      let count = min(mapping.count, left)
      guard count > 0 else { return }
      left -= count
      if let last = extents.last, last.virtual &+ last.count == mapping.virtual,
        last.physical &+ last.count == mapping.physical
      {
        extents[extents.count - 1].count += count
      } else {
        extents.append(
          Extent(virtual: mapping.virtual, physical: mapping.physical, count: count))
      }
    }
  }
}

extension PhysicalMemory {
  /// The parts of `count` bytes at `address` that can be read, each as large as possible.
  func readableParts(of address: PhysicalAddress, count: UInt64) -> [PhysicalPart] {
    var ranges: [Range<UInt64>] = []
    guard let end = address.advanced(by: count) else { return [] }
    forEachRun(in: address..<end) { start, run in
      if case .absent = run { return }
      let reach = start.rawValue + min(run.count, end.rawValue - start.rawValue)
      if let last = ranges.last, last.upperBound == start.rawValue {
        ranges[ranges.count - 1] = last.lowerBound..<reach
      } else {
        ranges.append(start.rawValue..<reach)
      }
    }
    return ranges.map {
      PhysicalPart(start: PhysicalAddress($0.lowerBound), count: UInt64($0.count))
    }
  }
}

/// A stretch of physical memory.
struct PhysicalPart {
  let start: PhysicalAddress
  let count: UInt64
}
