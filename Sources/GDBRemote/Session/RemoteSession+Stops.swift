extension RemoteSession {
  /// The answer to what runs, and to `?` (gdb manual, "Stop Reply Packets").
  mutating func stopReply() async throws(RemoteError) -> [UInt8] {
    try await stopReply(for: try await currentStop())
  }

  /// `qThreadStopInfo`: lldb's question why a thread isn't running.
  mutating func stopReply(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard case .one(let id) = reader.thread() else { return nil }
    try await requireThread(id)
    let stop = try await currentStop()
    if stop.thread == id { return .contents(try await stopReply(for: stop)) }
    return .text("T00thread:\(hex(id.rawValue));")
  }

  private func stopReply(for stop: Stop) async throws(RemoteError) -> [UInt8] {
    if case .exited(let status) = stop.reason {
      var reply = [UInt8(ascii: "W")]
      appendHex(status, to: &reply)
      return reply
    }
    var reply = [UInt8(ascii: "T")]
    appendHex(stop.reason.signal, to: &reply)
    let thread = hex(stop.thread.rawValue)
    reply += Array("thread:\(thread);\(reasonText(stop.reason))".utf8)
    if client.threadsInStops {
      let threads = try await target.threads().map { hex($0.id.rawValue) }
      reply += Array("threads:\(threads.joined(separator: ","));".utf8)
    }
    let values = try await target.registers(of: stop.thread)
    for number in target.description.expedited where values[number] != nil {
      reply += Array("\(hex(number)):".utf8) + registerText(number, of: values)
      reply.append(UInt8(ascii: ";"))
    }
    return reply
  }

  /// The reason by the names that clients know, as far as this one does.
  private func reasonText(_ reason: StopReason) -> String {
    switch reason {
    case .breakpoint(.software): client.softwareBreakpointStops ? "swbreak:;" : ""
    case .breakpoint(.hardware): client.hardwareBreakpointStops ? "hwbreak:;" : ""
    case .watchpoint(.writeWatch, let address): "watch:\(hex(address.rawValue));"
    case .watchpoint(.readWatch, let address): "rwatch:\(hex(address.rawValue));"
    case .watchpoint(.accessWatch, let address): "awatch:\(hex(address.rawValue));"
    case .beginning: "replaylog:begin;"
    case .end: "replaylog:end;"
    case .watchpoint, .breakpoint, .paused, .interrupted, .signal, .exited: ""
    }
  }
}

extension StopReason {
  /// The signal that clients take the stop for: SIGINT, SIGTRAP, or what it was.
  var signal: UInt8 {
    switch self {
    case .interrupted: 2
    case .signal(let number): number
    case .paused, .breakpoint, .watchpoint, .beginning, .end, .exited: 5
    }
  }

  /// What lldb calls it.
  var name: String {
    switch self {
    case .paused: "trace"
    case .breakpoint: "breakpoint"
    case .watchpoint: "watchpoint"
    case .interrupted, .signal, .beginning, .end, .exited: "signal"
    }
  }
}
