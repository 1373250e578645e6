import Bytes

extension RemoteSession {
  /// `m` and `x`: as many bytes as there are and fit. gdb reads at most what fits, in pieces.
  mutating func readMemory(
    _ reader: inout PacketReader, isBinary: Bool
  ) async throws(RemoteError) -> Reply? {
    guard let address = reader.number(), reader.skip(","), let count = reader.count(),
      reader.isAtEnd
    else { return nil }
    if isBinary, count == 0 {
      // How lldb up to 19 finds out whether there is `x`; it doesn't know gdb's later form.
      client.bareBinaryReads = true
      return .ok
    }
    guard count > 0 else { return .unknown }
    let bytes = try await target.readMemory(
      at: VirtualAddress(address), count: min(count, Self.packetSize / 2 - 8),
      thread: try await currentThread())
    guard isBinary else { return .contents(hexText(bytes)) }
    return .contents(client.bareBinaryReads ? bytes : [UInt8(ascii: "b")] + bytes)
  }

  /// `M` and `X`.
  mutating func writeMemory(
    _ reader: inout PacketReader, isBinary: Bool
  ) async throws(RemoteError) -> Reply? {
    guard let address = reader.number(), reader.skip(","), let count = reader.count(),
      reader.skip(":")
    else { return nil }
    let bytes = isBinary ? Array(reader.rest) : hexBytes(reader.rest)
    guard let bytes, bytes.count == count else { return nil }
    guard let writable = target as? any WritableTarget else {
      throw .refused("memory can't be changed here")
    }
    if count > 0 {
      try await writable.writeMemory(
        at: VirtualAddress(address), bytes, thread: try await currentThread())
    }
    return .ok
  }

  /// `qMemoryRegionInfo`, lldb's question for a mapping.
  mutating func memoryRegion(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard let mapped = target as? any MappedTarget else { return .unknown }
    guard let address = reader.number() else { return nil }
    let region = try await mapped.region(
      containing: VirtualAddress(address), thread: try await currentThread())
    // A region up to the end of the address space is said to lack its last byte: lldb computes where
    // it ends, gets 0, and looks for free space for ever.
    let end = region.last.advanced(by: 1)?.rawValue ?? .max
    let size = end >= region.start.rawValue ? end - region.start.rawValue : 0
    var text = "start:\(hex(region.start.rawValue));"
    text += "size:\(hex(size));"
    let letters: [(RemoteRegion.Permissions, String)] = [
      (.read, "r"), (.write, "w"), (.execute, "x"),
    ]
    let permissions = letters.filter { region.permissions.contains($0.0) }.map(\.1).joined()
    if !permissions.isEmpty { text += "permissions:\(permissions);" }
    if !region.name.isEmpty { text += "name:\(hexText(region.name));" }
    return .text(text)
  }
}
