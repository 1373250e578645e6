import Bytes
import HostSystem
import Targets

/// Makes a machine without CPUs out of files of raw memory. Their holes are zeros that needn't be
/// read.
struct RawMachineDump {
  /// The files themselves.
  private(set) var files: [MappedFile] = []
  private var segments: [PhysicalSegment] = []
  private var map: [(entry: MemoryMapEntry, path: String)] = []
  private var evidence: [String] = []
  private var diagnostics: [String] = []

  /// More holes than this in one file aren't told apart from data.
  private static let holeLimit = 1 << 18

  /// Throws `.host`, `.noMemory`, `.badRawMemory` and `.overlappingRawMemory`.
  init(_ memory: [RawMemory]) throws(MachineDumpError) {
    for part in memory {
      do throws(HostError) {
        try add(part, MappedFile.open(part.path))
      } catch {
        throw .host(error)
      }
    }
    guard let first = memory.first else { throw .badRawMemory(text: "", reason: "names no file") }
    guard !map.isEmpty else { throw .noMemory(path: first.path) }
    map.sort { $0.entry.start < $1.entry.start }
    for (lower, upper) in zip(map, map.dropFirst()) where upper.entry.start <= lower.entry.last {
      throw .overlappingRawMemory(
        first: lower.path, second: upper.path, address: upper.entry.start.description)
    }
  }

  func machine() -> Machine {
    Machine(
      memory: PhysicalMemory(segments), map: map.map(\.entry), cpus: [], evidence: evidence,
      diagnostics: diagnostics)
  }

  private mutating func add(_ part: RawMemory, _ file: MappedFile) throws(HostError) {
    let available = file.size - min(part.offset, file.size)
    // Nothing lies beyond the last address; a file that would reach there is cut.
    let room = UInt64.max - part.address.rawValue
    let count = min(part.size ?? available, room)
    let held = min(available, count)
    if held < count {
      diagnostics.append(
        "\(part.path) has only \(available) of the \(count) bytes for \(part.address)")
    }
    guard count > 0 else { return }
    files.append(file)
    let bytes = file.bytes.clampedSubview(at: part.offset, count: held)
    try addContents(bytes, of: file, at: part.address)
    if held < count {
      segments.append(
        PhysicalSegment(
          start: part.address &+ held, count: count - held, contents: .absent(.truncated)))
    }
    map.append((MemoryMapEntry(start: part.address, count: count, kind: .ram), part.path))
    evidence.append(
      "memory at \(part.address): \(hex(count)) bytes of \(part.path), as it was said")
  }

  /// `bytes` of `file`, with its holes as zeros.
  private mutating func addContents(
    _ bytes: ByteView, of file: MappedFile, at address: PhysicalAddress
  ) throws(HostError) {
    let start = UInt64(bytes.storageOffset)
    let end = start + UInt64(bytes.count)
    var data = try file.file.dataRanges(in: start..<end)
    if data.count > Self.holeLimit { data = [start..<end] }
    var next = start
    func add(through upper: UInt64, _ contents: PhysicalSegment.Contents) {
      guard upper > next else { return }
      segments.append(
        PhysicalSegment(start: address &+ (next - start), count: upper - next, contents: contents))
      next = upper
    }
    for range in data {
      add(through: range.lowerBound, .zeros)
      let count = range.upperBound - range.lowerBound
      add(
        through: range.upperBound,
        .bytes(bytes.clampedSubview(at: range.lowerBound - start, count: count)))
    }
    add(through: end, .zeros)
  }
}
