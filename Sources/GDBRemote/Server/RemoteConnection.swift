/// A connection to a client.
public protocol RemoteConnection: Sendable {
  associatedtype Failure: Error

  /// What arrives next; none if either side has closed the connection.
  func receive() async throws(Failure) -> [UInt8]
  /// Sends all of `bytes`.
  func send(_ bytes: [UInt8]) async throws(Failure)
  /// Ends the connection; who waits for bytes gets none.
  func close()
}
