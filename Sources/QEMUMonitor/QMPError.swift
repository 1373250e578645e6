public import HostSystem

/// Why a QEMU monitor didn't do what it was asked.
public enum QMPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The monitor said no: its class and description.
  case refused(command: String, errorClass: String, description: String)
  /// What came isn't QMP.
  case protocolViolation(String)
  /// The connection ended before an answer came.
  case connectionClosed
  /// No answer to `command` came within `seconds`.
  case noAnswer(command: String, seconds: Int)
  /// The monitor isn't one of the QEMU with this process id.
  case otherProcess(Int32)
  /// The socket couldn't be reached or used.
  case host(HostError)

  public var description: String {
    switch self {
    case .refused(let command, let errorClass, let description):
      "QMP \(command): \(description) (\(errorClass))"
    case .protocolViolation(let what): "the monitor doesn't speak QMP: \(what)"
    case .connectionClosed: "the monitor closed the connection"
    case .noAnswer(let command, let seconds):
      "the monitor gave no answer to \(command) within \(seconds) s; it may serve another client"
    case .otherProcess(let id): "it is no monitor of process \(id)"
    case .host(let error): error.description
    }
  }
}
