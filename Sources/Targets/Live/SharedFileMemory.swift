import Bytes
import HostSystem

/// Memory that a process shares with a file, read from that file, by file offset: a guest's memory in
/// a memfd or in a file of its own.
///
/// Reading it through the process would bring every hole that is touched into being, gigabytes of
/// them in a guest that never used its memory. Reading the file doesn't.
struct SharedFileMemory: PageSource {
  let file: OpenFile

  /// How many bytes are read at a time.
  private static let chunk: UInt64 = 1 << 20
  /// How far is looked for data at a time.
  private static let stretch: UInt64 = 1 << 30

  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    do throws(HostError) {
      let size = try file.size()
      // Whoever touches memory beyond the file's end is ended by SIGBUS.
      guard offset < size else { return .absent(.unmapped, count: limit) }
      let end = offset + min(limit, size - offset)
      if limit > Self.chunk / 16 {
        let first = try file.firstData(in: offset..<min(end, offset + Self.stretch))
        guard let first else { return .zeros(count: min(end - offset, Self.stretch)) }
        if first > offset { return .zeros(count: first - offset) }
      }
      let bytes = try file.bytes(at: offset, count: Int(min(end - offset, Self.chunk)))
      if !bytes.isEmpty { return .bytes(bytes) }
    } catch {
      // Not readable here after all; what can't be read is absent.
    }
    return .absent(.unmapped, count: min(limit, LiveMemory.pageSize))
  }
}
