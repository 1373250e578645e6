extension RemoteSession {
  /// The thread that registers and memory are asked for.
  mutating func currentThread() async throws(RemoteError) -> ThreadID {
    if let generalThread { return generalThread }
    return try await currentStop().thread
  }

  mutating func currentStop() async throws(RemoteError) -> Stop {
    if let lastStop { return lastStop }
    let stop = try await target.currentStop()
    lastStop = stop
    return stop
  }

  /// `Hg` and `Hc`: which thread is meant from now on.
  mutating func chooseThread(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard let operation = reader.next(), let choice = reader.thread() else { return nil }
    var thread: ThreadID?
    if case .one(let id) = choice {
      try await requireThread(id)
      thread = id
    }
    switch operation {
    case UInt8(ascii: "g"): generalThread = thread
    case UInt8(ascii: "c"): runningThread = thread
    default: return nil
    }
    return .ok
  }

  /// Throws `.noThread` unless there is a thread `id`.
  func requireThread(_ id: ThreadID) async throws(RemoteError) {
    guard try await target.threads().contains(where: { $0.id == id }) else {
      throw .noThread(id)
    }
  }

  /// `T`.
  func threadIsAlive(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard case .one(let id) = reader.thread() else { return nil }
    try await requireThread(id)
    return .ok
  }

  /// `qfThreadInfo` and `qsThreadInfo`: all threads, as many as fit in a packet at a time.
  mutating func listThreads(fromStart: Bool) async throws(RemoteError) -> Reply {
    if fromStart { threadsToList = try await target.threads().map(\.id) }
    // A number and a comma take nine bytes.
    let part = threadsToList.prefix(Self.packetSize / 9 - 1)
    threadsToList.removeFirst(part.count)
    return part.isEmpty
      ? .text("l") : .text("m" + part.map { hex($0.rawValue) }.joined(separator: ","))
  }

  /// `qThreadExtraInfo`: what `info threads` shows.
  func threadDetails(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard case .one(let id) = reader.thread() else { return nil }
    guard let thread = try await target.threads().first(where: { $0.id == id }) else {
      throw .noThread(id)
    }
    let text = thread.details.isEmpty ? thread.name : "\(thread.name) (\(thread.details))"
    return .text(hexText(text))
  }

  /// The list of threads as `qXfer:threads:read` gives it (gdb manual, "Thread List Format").
  func threadsAsXML() async throws(RemoteError) -> String {
    var text = "<?xml version=\"1.0\"?>\n<threads>\n"
    for thread in try await target.threads() {
      let core = thread.core.map { " core=\"\($0)\"" } ?? ""
      text += "<thread id=\"\(hex(thread.id.rawValue))\"\(core) name=\"\(xmlText(thread.name))\">"
      text += "\(xmlText(thread.details))</thread>\n"
    }
    return text + "</threads>\n"
  }
}
