/// Why a QEMU monitor didn't do what it was asked.
public enum QMPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The monitor said no: its class and description.
  case refused(command: String, errorClass: String, description: String)
  /// What came isn't QMP.
  case protocolViolation(String)
  /// The connection ended before an answer came.
  case connectionClosed

  public var description: String {
    switch self {
    case .refused(let command, let errorClass, let description):
      "QMP \(command): \(description) (\(errorClass))"
    case .protocolViolation(let what): "the monitor doesn't speak QMP: \(what)"
    case .connectionClosed: "the monitor closed the connection"
    }
  }
}
