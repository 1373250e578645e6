public import HostSystem

/// A connection to a QEMU monitor that speaks QMP.
public final class QMPMonitor {
  /// As QEMU calls itself in its greeting.
  public let version: String
  let socket: LocalSocket
  private var session: QMPSession

  /// Long enough for a machine that is busy; a monitor that serves another client says nothing.
  public static let defaultTimeout = Duration.seconds(10)

  /// Connects to the Unix socket at `path` and leaves the monitor ready for commands. Throws `.host`,
  /// `.noAnswer`, `.connectionClosed` and `.protocolViolation`.
  public convenience init(
    connectingTo path: String, timeout: Duration = defaultTimeout
  ) throws(QMPError) {
    let socket = try host { () throws(HostError) in
      try LocalSocket(connectingTo: path, timeout: timeout)
    }
    try self.init(over: socket, timeout: timeout)
  }

  /// Takes `socket`, which a monitor is at the other end of, and leaves the monitor ready for commands.
  /// Throws as `init(connectingTo:)` does.
  public init(
    over socket: LocalSocket, timeout: Duration = defaultTimeout
  ) throws(QMPError) {
    var session = QMPSession()
    let deadline = ContinuousClock.now + timeout
    while !(try session.readGreeting()) {
      try Self.receive(socket, into: &session, "connect", deadline, timeout)
    }
    version = session.version ?? ""
    self.socket = socket
    self.session = session
    try execute("qmp_capabilities", timeout: timeout)
  }

  /// Sends a command and waits for its answer. Throws `.refused` if QEMU says no.
  @discardableResult
  public func execute(
    _ command: String, arguments: [String: QMPValue] = [:], timeout: Duration = defaultTimeout
  ) throws(QMPError) -> QMPValue {
    let (id, bytes) = try session.command(command, arguments: arguments)
    try host { () throws(HostError) in try socket.send(bytes) }
    let deadline = ContinuousClock.now + timeout
    while true {
      if let answer = try session.answer(to: id, command: command) { return answer }
      try Self.receive(socket, into: &session, command, deadline, timeout)
    }
  }

  private static func receive(
    _ socket: LocalSocket, into session: inout QMPSession, _ command: String,
    _ deadline: ContinuousClock.Instant, _ timeout: Duration
  ) throws(QMPError) {
    let bytes = try host { () throws(HostError) in try socket.receive(before: deadline) }
    guard let bytes else {
      throw .noAnswer(command: command, seconds: Int(timeout.components.seconds))
    }
    guard !bytes.isEmpty else { throw .connectionClosed }
    try session.receive(bytes)
  }
}

/// What `body` gives; what the system refused becomes this room's error.
func host<Result>(
  _ body: () throws(HostError) -> Result
) throws(QMPError) -> Result {
  do throws(HostError) {
    return try body()
  } catch {
    throw .host(error)
  }
}
