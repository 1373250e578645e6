/// One client's conversation with a target, without the connection: bytes in, actions out.
///
/// Everything but running is done before the answer is given. What runs is started by an action, so
/// that the client's Ctrl-C can be seen meanwhile:
///
///     receive ──► .start(command) ──► commandPrinted … ──► commandEnded ──► .send(stop)
///        └──────► .interrupt, if the client wants that command to end
public struct RemoteSession: Sendable {
  /// What whoever owns the connection is to do, in this order.
  public enum Action: Hashable, Sendable {
    /// Send these bytes.
    case send([UInt8])
    /// Begin this in a task of its own, go on receiving, and tell `commandEnded` when it is done. There
    /// is never more than one.
    case start(RemoteCommand)
    /// Cancel the task that was started last.
    case interrupt
    /// The conversation is over: cancel what runs, close the connection.
    case close
  }

  /// The largest packet that is taken, in bytes of its contents.
  public static let packetSize = 1 << 14
  /// How many packets may wait for a command to end. Clients wait, too: more are an attack.
  static let waitingLimit = 64

  let target: any DebuggableTarget
  var client = ClientFeatures()
  /// What is inserted.
  var breakpoints: [BreakpointKey: Breakpoint] = [:]
  /// What was inserted when the target ran last.
  var breakpointsOfLastRun: [Breakpoint] = []
  /// Where the target stopped last; nil if it must be asked.
  var lastStop: Stop?
  /// The threads that `H` chose for registers and memory, and for running.
  var generalThread: ThreadID?
  var runningThread: ThreadID?
  /// What is being transferred piece by piece, by its name.
  var transfer: (name: String, contents: [UInt8])?
  var threadsToList: [ThreadID] = []
  var acknowledges = true

  private var decoder = PacketDecoder(from: .client, limit: packetSize)
  private var waiting: [[UInt8]] = []
  private(set) var running: RemoteCommand?
  private var lastSent: [UInt8] = []
  private var isClosed = false

  public init(target: any DebuggableTarget) { self.target = target }

  /// Takes what arrived.
  public mutating func receive(_ bytes: [UInt8]) async -> [Action] {
    var actions: [Action] = []
    for item in decoder.receive(bytes) where !isClosed {
      switch item {
      case .acknowledgement: break
      case .retransmission:
        if acknowledges, !lastSent.isEmpty { actions.append(.send(lastSent)) }
      case .damaged:
        if acknowledges { actions.append(.send([UInt8(ascii: "-")])) }
      case .interrupt:
        if running != nil { actions.append(.interrupt) }
      case .packet(let contents):
        if acknowledges { actions.append(.send([UInt8(ascii: "+")])) }
        await take(contents, &actions)
      }
    }
    return actions
  }

  /// Takes what the running command prints.
  public mutating func commandPrinted(_ text: String) -> [Action] {
    guard let running, !isClosed else { return [] }
    if case .resume = running, !client.outputWhileRunning { return [] }
    return console(text)
  }

  /// Takes how the running command ended.
  public mutating func commandEnded(_ outcome: CommandOutcome) async -> [Action] {
    guard let command = running, !isClosed else { return [] }
    running = nil
    var actions: [Action] = []
    switch (command, outcome) {
    case (.resume, .stopped(let stop)):
      lastStop = stop
      generalThread = nil
      runningThread = nil
    case (_, .printed(let text)): actions += console(text)
    case (_, .failed(let error)):
      // Clients make little of an error here: the reason is shown, and then where the target is now.
      actions += console("\(error)\n")
      if case .lost = error { return actions + close() }
      lastStop = nil
    case (.monitor, .stopped): break
    }
    await finish(command, &actions)
    while running == nil, !isClosed, !waiting.isEmpty {
      await take(waiting.removeFirst(), &actions)
    }
    return actions
  }

  private mutating func finish(_ command: RemoteCommand, _ actions: inout [Action]) async {
    switch command {
    case .resume:
      perform(
        await reply { session throws(RemoteError) in
          .contents(try await session.stopReply())
        }, &actions)
    case .monitor:
      // It may have been one that goes elsewhere.
      lastStop = nil
      perform(.ok, &actions)
    }
  }

  private mutating func take(_ contents: [UInt8], _ actions: inout [Action]) async {
    guard running == nil else {
      guard waiting.count < Self.waitingLimit else {
        actions += close()
        return
      }
      return waiting.append(contents)
    }
    let answer = await reply { session throws(RemoteError) in
      try await session.answer(contents)
        ?? session.client.reply(.malformed, "the packet isn't well formed")
    }
    perform(answer, &actions)
  }

  /// What `body` answers, or what its error comes to.
  private mutating func reply(
    _ body: (inout RemoteSession) async throws(RemoteError) -> Reply
  ) async -> Reply {
    do throws(RemoteError) {
      return try await body(&self)
    } catch {
      if case .lost = error { return .close }
      return client.reply(to: error)
    }
  }

  private mutating func perform(_ reply: Reply, _ actions: inout [Action]) {
    switch reply {
    case .contents(let contents): actions.append(send(contents))
    case .start(let command):
      running = command
      actions.append(.start(command))
    case .close: actions += close()
    }
  }

  private mutating func close() -> [Action] {
    isClosed = true
    return [.close]
  }

  private mutating func send(_ contents: [UInt8]) -> Action {
    lastSent = encodedPacket(contents)
    return .send(lastSent)
  }

  /// Text for the client's user, in as many packets as it takes.
  private mutating func console(_ text: String) -> [Action] {
    var actions: [Action] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let part = rest.prefix(Self.packetSize / 2 - 8)
      actions.append(send([UInt8(ascii: "O")] + hexText(part)))
      rest = rest.dropFirst(part.count)
    }
    return actions
  }
}

/// What a target does for long enough to be interrupted.
public enum RemoteCommand: Hashable, Sendable {
  case resume(Resumption)
  case monitor(MonitorRequest)
}

/// How a command ended.
public enum CommandOutcome: Hashable, Sendable {
  case stopped(Stop)
  case printed(String)
  case failed(RemoteError)
}
