/// What a monitor sends: one line each. Source: QEMU docs/interop/qmp-spec.
public enum QMPMessage: Hashable, Sendable {
  /// The first: the version of QEMU as it calls it, `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`.
  case greeting(version: String)
  /// The answer to the command that carried `id`.
  case success(id: QMPValue?, QMPValue)
  /// The refusal of the command that carried `id`.
  case failure(id: QMPValue?, errorClass: String, description: String)
  /// Something that happened.
  case event(String, data: QMPValue?)

  /// Throws `.protocolViolation` for anything else.
  init(_ value: QMPValue) throws(QMPError) {
    if let greeting = value["QMP"] {
      self = .greeting(version: Self.version(greeting["version"]))
    } else if let result = value["return"] {
      self = .success(id: value["id"], result)
    } else if let error = value["error"] {
      self = .failure(
        id: value["id"], errorClass: error["class"]?.string ?? "no class",
        description: error["desc"]?.string ?? "no description")
    } else if let event = value["event"]?.string {
      self = .event(event, data: value["data"])
    } else {
      throw .protocolViolation("a message that is no greeting, answer or event")
    }
  }

  private static func version(_ value: QMPValue?) -> String {
    let numbers = ["major", "minor", "micro"].compactMap { value?["qemu"]?[$0]?.integer }
    let package = value?["package"]?.string ?? ""
    return numbers.map(String.init).joined(separator: ".")
      + (package.isEmpty ? "" : " (\(package))")
  }
}

/// Cuts what arrives into messages, however it was split on its way.
public struct QMPDecoder: Sendable {
  private var buffer: [UInt8] = []
  /// How much of `buffer` is known to hold no end of a line.
  private var searched = 0

  /// A monitor that sends more than this without a line's end isn't one.
  private let limit: Int

  /// `limit` is the longest message that is waited for, in bytes.
  public init(limit: Int = 64 << 20) { self.limit = limit }

  /// Takes what arrived. Throws `.protocolViolation` if a line has no end.
  public mutating func receive(_ bytes: [UInt8]) throws(QMPError) {
    guard buffer.count + bytes.count <= limit else {
      throw .protocolViolation("a line of more than \(limit) bytes")
    }
    buffer += bytes
  }

  /// The next message; nil if it hasn't arrived in full.
  public mutating func next() throws(QMPError) -> QMPMessage? {
    while let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = Array(buffer[..<end])
      buffer.removeSubrange(...end)
      searched = 0
      if line.contains(where: { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: " ") }) {
        return try QMPMessage(QMPValue(json: line))
      }
    }
    searched = buffer.count
    return nil
  }
}
