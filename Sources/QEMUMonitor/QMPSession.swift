/// One side of a conversation with a monitor, without the connection: which commands are on their
/// way, and what answers belong to them.
public struct QMPSession: Sendable {
  private var decoder = QMPDecoder()
  private var nextID: Int64 = 1
  /// The version in the greeting; nil until it has come.
  public private(set) var version: String?

  public init() {}

  /// A command as it is to be sent, and what its answer will carry.
  public mutating func command(
    _ name: String, arguments: [String: QMPValue] = [:]
  ) throws(QMPError) -> (id: QMPValue, bytes: [UInt8]) {
    let id = QMPValue.integer(nextID)
    nextID += 1
    var members: [String: QMPValue] = ["execute": .string(name), "id": id]
    if !arguments.isEmpty { members["arguments"] = .object(arguments) }
    return (id, try QMPValue.object(members).json() + [UInt8(ascii: "\n")])
  }

  /// Takes what arrived.
  public mutating func receive(_ bytes: [UInt8]) throws(QMPError) { try decoder.receive(bytes) }

  /// Reads up to the greeting; false if it hasn't come yet.
  public mutating func readGreeting() throws(QMPError) -> Bool {
    while version == nil, let message = try decoder.next() {
      switch message {
      case .greeting(let version): self.version = version
      case .event: continue
      case .success, .failure:
        throw .protocolViolation("an answer came before the greeting")
      }
    }
    return version != nil
  }

  /// The answer to `command`, which was sent with `id`; nil if it hasn't come yet. Events, and answers
  /// to earlier commands that nobody waited for, are passed over. Throws `.refused`.
  public mutating func answer(
    to id: QMPValue, command: String
  ) throws(QMPError) -> QMPValue? {
    while let message = try decoder.next() {
      switch message {
      case .success(id, let value): return value
      // A command that can't be parsed is refused without its id.
      case .failure(id, let errorClass, let description),
        .failure(nil, let errorClass, let description):
        throw .refused(command: command, errorClass: errorClass, description: description)
      case .success, .failure, .event, .greeting: continue
      }
    }
    return nil
  }
}
