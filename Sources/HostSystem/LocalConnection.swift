internal import Dispatch

/// A connection that somebody made to a `LocalListener`. Waiting for bytes takes a thread of its own,
/// none of those that Swift's tasks share.
public final class LocalConnection: Sendable {
  private let socket: LocalSocket
  private let receiving = DispatchQueue(label: "varve.connection.receive")
  private let sending = DispatchQueue(label: "varve.connection.send")

  init(_ socket: LocalSocket) { self.socket = socket }

  /// What arrives next, at most 64 KiB; none if either side has closed the connection. Throws `.system`.
  public func receive() async throws(HostError) -> [UInt8] {
    let result = await withCheckedContinuation { waiting in
      receiving.async { [socket] in
        waiting.resume(returning: Result { () throws(HostError) in try Self.receive(socket) })
      }
    }
    do throws(HostError) {
      return try result.get()
    } catch {
      // The other side went without reading all that it was sent.
      if case .system(_, _, .connectionReset) = error { return [] }
      throw error
    }
  }

  private static func receive(_ socket: LocalSocket) throws(HostError) -> [UInt8] {
    while true {
      let bytes = try socket.receive(before: .now + .seconds(3600))
      if let bytes { return bytes }
    }
  }

  /// Sends all of `bytes`, which may have to wait until the other side reads. Throws `.system`: EPIPE if
  /// it has gone.
  public func send(_ bytes: [UInt8]) async throws(HostError) {
    let result = await withCheckedContinuation { waiting in
      sending.async { [socket] in
        waiting.resume(returning: Result { () throws(HostError) in try socket.send(bytes) })
      }
    }
    try result.get()
  }

  /// Ends the connection; who waits for bytes gets none.
  public func close() { socket.hangUp() }
}
