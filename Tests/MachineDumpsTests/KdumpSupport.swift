import Bytes
import Compression
import HostSystem
import MachineDumps
import ObjectFiles
import Targets
import TestWorlds
import Testing

/// A dump in memory. Refuses what `DumpOutput` forbids: writing a byte twice.
final class KdumpOutput: DumpOutput {
  private(set) var bytes: [UInt8] = []
  private(set) var isFinished = false
  private var written: [Range<UInt64>] = []
  /// From this many bytes on, the disk is full.
  var capacity = UInt64.max

  func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    let range = offset..<offset + UInt64(bytes.byteCount)
    if written.contains(where: { $0.overlaps(range) }) {
      throw .offsetOutOfRange(path: "written twice", offset: offset)
    }
    if range.upperBound > capacity { throw .offsetOutOfRange(path: "full", offset: offset) }
    if let last = written.last, last.upperBound == offset {
      written[written.count - 1] = last.lowerBound..<range.upperBound
    } else {
      written.append(range)
    }
    if self.bytes.count < Int(range.upperBound) {
      self.bytes += repeatElement(0, count: Int(range.upperBound) - self.bytes.count)
    }
    // Safe: the bytes are copied before the call returns.
    unsafe bytes.withUnsafeBytes {
      unsafe self.bytes.replaceSubrange(Int(offset)..<Int(range.upperBound), with: $0)
    }
  }

  func finish(size: UInt64) throws(HostError) {
    #expect(size >= bytes.count)
    bytes += repeatElement(0, count: Int(size) - bytes.count)
    isFinished = true
  }
}

/// A kdump taken apart the plain way, as a judge of what the writer made.
struct ReadKdump {
  let header: KdumpHeader
  let subheader: KdumpSubheader
  /// The page numbers of each bitmap's set bits.
  let machinePages: [UInt64]
  let dumpedPages: [UInt64]
  let descriptors: [KdumpPageDescriptor]
  private let bytes: ByteView

  init(_ file: [UInt8]) throws {
    bytes = ByteView(copying: file)
    header = try KdumpHeader(bytes)
    subheader = try KdumpSubheader(
      bytes.subview(at: UInt64(header.blockSize), count: 104), header: header)
    let size = UInt64(header.bitmapBlocks) / 2 * 4096
    let first = UInt64(1 + header.subheaderBlocks) * 4096
    machinePages = Self.pages(try bytes.subview(at: first, count: size))
    dumpedPages = Self.pages(try bytes.subview(at: first + size, count: size))
    var descriptors: [KdumpPageDescriptor] = []
    for index in dumpedPages.indices {
      descriptors.append(
        try KdumpPageDescriptor(bytes, at: first + 2 * size + UInt64(24 * index)))
    }
    self.descriptors = descriptors
  }

  private static func pages(_ bitmap: ByteView) -> [UInt64] {
    var pages: [UInt64] = []
    for (index, byte) in bitmap.copy().enumerated() where byte != 0 {
      for bit in 0..<8 where byte & 1 << bit != 0 { pages.append(UInt64(index * 8 + bit)) }
    }
    return pages
  }

  func contents(_ extent: KdumpExtent) throws -> [UInt8] {
    try bytes.subview(at: extent.offset, count: extent.count).copy()
  }

  /// What page `number` holds; nil if it isn't in the dump.
  func page(_ number: UInt64, _ compression: PageCompression) throws -> [UInt8]? {
    guard let index = dumpedPages.firstIndex(of: number) else { return nil }
    let descriptor = descriptors[index]
    let stored = try bytes.subview(at: descriptor.offset, count: UInt64(descriptor.size))
    if descriptor.flags == 0 { return stored.copy() }
    #expect(descriptor.flags == header.status)
    var page = [UInt8](repeating: 0, count: 4096)
    try PageUnpacker(compression).unpack(stored.bytes, into: &page)
    return page
  }
}

/// A machine laid out by a test.
struct MachineBuilder {
  private(set) var segments: [PhysicalSegment] = []
  var map: [MemoryMapEntry] = []

  mutating func add(_ start: UInt64, _ count: UInt64, _ contents: PhysicalSegment.Contents) {
    segments.append(
      PhysicalSegment(start: PhysicalAddress(start), count: count, contents: contents))
  }

  mutating func add(_ start: UInt64, _ bytes: [UInt8]) {
    add(start, UInt64(bytes.count), .bytes(ByteView(copying: bytes)))
  }

  mutating func addMap(
    _ start: UInt64, _ count: UInt64, _ kind: MemoryMapEntry.Kind = .ram
  ) {
    map.append(MemoryMapEntry(start: PhysicalAddress(start), count: count, kind: kind))
  }

  var machine: Machine { Machine(memory: PhysicalMemory(segments), map: map, cpus: []) }

  /// A page of text that packs well and differs from page to page.
  static func page(_ number: UInt64) -> [UInt8] {
    var text = Array("This is page \(number) of the machine. ".utf8)
    while text.count < 4096 { text += text }
    return Array(text[..<4096])
  }

  /// A page that doesn't pack.
  static func noise(_ seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    return (0..<4096).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state >> 24)
    }
  }

  /// 1000 pages of everything, with room between them, and 16 above 4 GiB.
  static let varied: MachineBuilder = {
    var builder = MachineBuilder()
    var bytes: [UInt8] = []
    for number in UInt64(0)..<600 {
      switch number % 7 {
      case 0, 1: bytes += repeatElement(0, count: 4096)
      case 2: bytes += noise(number)
      default: bytes += page(number)
      }
    }
    builder.add(0, bytes)
    builder.add(600 * 4096, 400 * 4096, .zeros)
    builder.addMap(0, 1000 * 4096)
    builder.add(1 << 32, (UInt64(0)..<16).flatMap { page($0) })
    builder.addMap(1 << 32, 16 * 4096, .rom)
    return builder
  }()
}

extension PageCompression {
  var format: VMCoreFormat {
    switch self {
    case .zlib: .kdumpZlib
    case .lzo: .kdumpLZO
    case .snappy: .kdumpSnappy
    case .zstd: .kdumpZstd
    }
  }
}

/// Writes `machine` into memory.
func writeKdump(
  _ machine: Machine, _ compression: PageCompression = .zstd, notes: [UInt8] = [],
  adjust: (inout VMCoreOptions) -> Void = { _ in }
) throws -> (bytes: [UInt8], summary: VMCoreSummary) {
  var options = VMCoreOptions(format: compression.format)
  adjust(&options)
  let output = KdumpOutput()
  let writer = KdumpWriter(
    machine, compression: compression, options: options, notes: notes)
  let summary = try writer.write(to: output)
  #expect(output.isFinished)
  #expect(summary.fileSize == UInt64(output.bytes.count))
  return (output.bytes, summary)
}
