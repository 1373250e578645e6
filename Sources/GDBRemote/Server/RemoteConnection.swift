/// A connection to a client.
public protocol RemoteConnection: Sendable {
  associatedtype Failure: Error

  /// What arrives next; none if the other side has closed the connection.
  func receive() async throws(Failure) -> [UInt8]
  func send(_ bytes: [UInt8]) async throws(Failure)
}
