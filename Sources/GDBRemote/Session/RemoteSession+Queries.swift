extension RemoteSession {
  /// `q…` (gdb manual, "General Query Packets"; lldb, docs/lldb-gdb-remote.txt).
  mutating func answerQuery(_ contents: [UInt8]) async throws(RemoteError) -> Reply? {
    var reader = PacketReader(contents)
    if reader.skip("qThreadStopInfo") { return try await stopReply(&reader) }
    let name = String(
      decoding: reader.upTo(UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: ";")),
      as: UTF8.self)
    _ = reader.next()
    switch name {
    case "qSupported": return .text(supported(reader.text))
    case "qXfer": return try await transfer(&reader)
    case "qRcmd": return try await monitor(&reader)
    case "qAttached": return .text("1")
    case "qC": return .text("QC\(hex(try await currentThread().rawValue))")
    case "qfThreadInfo": return try await listThreads(fromStart: true)
    case "qsThreadInfo": return try await listThreads(fromStart: false)
    case "qThreadExtraInfo": return try await threadDetails(&reader)
    case "qSymbol": return .ok
    case "qMemoryRegionInfo": return try await memoryRegion(&reader)
    case "qHostInfo": return .text(platform)
    // Whatever it is that is debugged, there is one of it.
    case "qProcessInfo": return .text("pid:1;\(platform)")
    default: return .unknown
    }
  }

  private var platform: String {
    "triple:\(hexText(target.description.triple));ptrsize:8;endian:little;"
  }

  /// Takes what the client can do; gives what this side can.
  private mutating func supported(_ text: String) -> String {
    for feature in text.split(separator: ";") {
      switch feature {
      case "vContSupported+": client.outputWhileRunning = true
      case "swbreak+": client.softwareBreakpointStops = true
      case "hwbreak+": client.hardwareBreakpointStops = true
      case "error-message+": client.errorMessages = true
      default: break
      }
    }
    var features = [
      "PacketSize=\(hex(Self.packetSize))", "QStartNoAckMode+", "qXfer:features:read+",
      "qXfer:threads:read+", "vContSupported+", "swbreak+", "hwbreak+", "binary-upload+",
    ]
    if let runnable = target as? any ResumableTarget {
      features.append("ConditionalBreakpoints+")
      if runnable.canReverse { features += ["ReverseStep+", "ReverseContinue+"] }
    }
    if let transferring = target as? any TransferringTarget {
      features += transferring.transferObjects.map { "qXfer:\($0.rawValue):read+" }.sorted()
    }
    return features.joined(separator: ";")
  }

  /// `qXfer:object:read:annex:offset,length`: a part of something large, after `m` if there is more and
  /// after `l` if there isn't. It is made anew when it is read from its start.
  private mutating func transfer(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    let colon = UInt8(ascii: ":")
    let object = String(decoding: reader.upTo(colon), as: UTF8.self)
    guard reader.skip(":read:") else { return .unknown }
    let annex = String(decoding: reader.upTo(colon), as: UTF8.self)
    guard reader.skip(":"), let offset = reader.count(), reader.skip(","),
      let length = reader.count(), reader.isAtEnd
    else { return nil }
    let name = "\(object):\(annex)"
    if offset == 0 || transfer?.name != name {
      guard let contents = try await contents(of: object, annex) else { return .unknown }
      transfer = (name, contents)
    }
    let rest = (transfer?.contents ?? []).dropFirst(offset)
    // Escaping may double it.
    let part = rest.prefix(min(length, Self.packetSize / 2 - 8))
    return .contents([UInt8(ascii: part.count < rest.count ? "m" : "l")] + part)
  }

  /// All of an object; nil if there is no such kind of object here.
  private func contents(
    of object: String, _ annex: String
  ) async throws(RemoteError) -> [UInt8]? {
    switch object {
    case "features":
      guard annex == "target.xml" else { throw .refused("there is no \(annex)") }
      return Array(target.description.xml.utf8)
    case "threads": return Array(try await threadsAsXML().utf8)
    default:
      guard let object = TransferObject(rawValue: object),
        let transferring = target as? any TransferringTarget,
        transferring.transferObjects.contains(object)
      else { return nil }
      return try await transferring.contents(of: object)
    }
  }
}
