public import Bytes
internal import Glibc

/// The output streams that every process is born with.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes all of `text`. A reader that has gone away ends the process by SIGPIPE, as it does with
  /// every filter.
  public func write(_ text: String) throws(HostError) { try write(ByteView(copying: text.utf8)) }

  /// Writes all of `bytes`, likewise.
  public func write(_ bytes: ByteView) throws(HostError) {
    var rest = bytes
    while !rest.isEmpty {
      let written = try systemCall("write", "standard \(self)") {
        // Safe: the buffer outlives the call.
        unsafe rest.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
      }
      rest = rest.clampedSubview(at: UInt64(written), count: .max)
    }
  }

  /// Whether this is a terminal.
  public var isTerminal: Bool { Host.isTerminal(rawValue) }
}
