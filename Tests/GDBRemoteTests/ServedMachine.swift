import Dispatch
public import GDBRemote
public import HostSystem
import Synchronization
import TestWorlds

extension LocalConnection: RemoteConnection {}

/// A target that is served to clients, one after the other, while a test goes on.
final class ServedMachine: Sendable {
  let address: LocalAddress
  let transcript = Mutex(Transcript())
  private let listener: LocalListener

  init(_ target: any DebuggableTarget, at address: LocalAddress) throws {
    listener = try LocalListener(at: address)
    self.address = listener.address
    Task { [self] in
      do {
        while let connection = try await listener.accept() {
          try await RemoteServer.serve(
            RecordedConnection(connection: connection, machine: self), target: target)
        }
      } catch {
        transcript.withLock { $0.failures.append("\(error)") }
      }
    }
  }

  func close() { listener.close() }

  /// Passes everything on, and writes it down.
  private struct RecordedConnection: RemoteConnection {
    let connection: LocalConnection
    let machine: ServedMachine

    func receive() async throws(HostError) -> [UInt8] {
      let bytes = try await connection.receive()
      machine.transcript.withLock { $0.received(bytes) }
      return bytes
    }

    func send(_ bytes: [UInt8]) async throws(HostError) {
      machine.transcript.withLock { $0.sent(bytes) }
      try await connection.send(bytes)
    }

    func close() { connection.close() }
  }
}

/// Does what blocks on a thread of its own: Swift's are few, and the server needs them.
func blocking<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { waiting in
    DispatchQueue(label: "varve.test.blocking").async {
      waiting.resume(with: Result { try body() })
    }
  }
}
