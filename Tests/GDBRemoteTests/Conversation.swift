import GDBRemote

/// A client in a test: sends packets, and gives what comes back as text. What the session starts is done
/// at once.
struct Conversation {
  let target: any DebuggableTarget
  var session: RemoteSession
  /// Everything that was sent to the client, as it was.
  var sent: [UInt8] = []
  var isClosed = false

  init(_ target: any DebuggableTarget, acknowledging: Bool = false) async {
    self.target = target
    session = RemoteSession(target: target)
    if !acknowledging { _ = await ask("QStartNoAckMode") }
  }

  /// The contents of the packets that answer `text`, joined by spaces.
  @discardableResult
  mutating func ask(_ text: String) async -> String { await ask(Array(text.utf8)) }

  mutating func ask(_ contents: [UInt8]) async -> String {
    let before = sent.count
    await feed(encodedPacket(contents))
    var decoder = PacketDecoder(from: .server, limit: 1 << 20)
    let answers: [String] = decoder.receive(sent[before...]).compactMap { item in
      if case .packet(let bytes) = item { String(decoding: bytes, as: UTF8.self) } else { nil }
    }
    return answers.joined(separator: " ")
  }

  /// Gives the session these bytes and does what it wants.
  mutating func feed(_ bytes: [UInt8]) async {
    var actions = await session.receive(bytes)[...]
    while let action = actions.popFirst() {
      switch action {
      case .send(let bytes): sent += bytes
      case .start(let command):
        let lines = Lines()
        let outcome = await target.perform(command) { lines.append($0) }
        for line in lines.all { actions += session.commandPrinted(line) }
        actions += await session.commandEnded(outcome)
      case .interrupt: break
      case .close: isClosed = true
      }
    }
  }
}
