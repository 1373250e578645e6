/// Serves one client at a time.
public enum RemoteServer {
  /// Talks with the client at the other end of `connection` until it goes or is done, then closes
  /// the connection; whatever was running has ended by then. Cancelled, it ends early. Throws what the
  /// connection throws.
  public static func serve<Connection: RemoteConnection>(
    _ connection: Connection, target: any DebuggableTarget
  ) async throws(Connection.Failure) {
    let (stream, events) = AsyncStream.makeStream(of: Event<Connection.Failure>.self)
    defer { connection.close() }
    let failure = await withTaskCancellationHandler {
      await converse(connection, target, stream, events)
    } onCancel: {
      events.finish()
      connection.close()
    }
    if let failure { throw failure }
  }

  private enum Event<Failure: Error>: Sendable {
    case received([UInt8])
    case failed(Failure)
    case printed(String)
    case ended(CommandOutcome)
  }

  private static func converse<Connection: RemoteConnection>(
    _ connection: Connection, _ target: any DebuggableTarget,
    _ stream: AsyncStream<Event<Connection.Failure>>,
    _ events: AsyncStream<Event<Connection.Failure>>.Continuation
  ) async -> Connection.Failure? {
    var session = RemoteSession(target: target)
    var running: Task<Void, Never>?
    var failure: Connection.Failure?
    receive(connection, events)
    conversation: for await event in stream {
      var actions: [RemoteSession.Action]
      switch event {
      case .received(let bytes):
        if bytes.isEmpty { break conversation }
        actions = await session.receive(bytes)
        receive(connection, events)
      case .failed(let error):
        failure = error
        break conversation
      case .printed(let text): actions = session.commandPrinted(text)
      case .ended(let outcome): actions = await session.commandEnded(outcome)
      }
      for action in actions {
        switch action {
        case .send(let bytes):
          do throws(Connection.Failure) { try await connection.send(bytes) } catch {
            failure = error
            break conversation
          }
        case .start(let command): running = start(command, target, events)
        case .interrupt: running?.cancel()
        case .close: break conversation
        }
      }
    }
    running?.cancel()
    await running?.value
    return failure
  }

  /// Receives once. Nothing more is read from a client before that is dealt with.
  private static func receive<Connection: RemoteConnection>(
    _ connection: Connection, _ events: AsyncStream<Event<Connection.Failure>>.Continuation
  ) {
    Task {
      do throws(Connection.Failure) {
        events.yield(.received(try await connection.receive()))
      } catch {
        events.yield(.failed(error))
      }
    }
  }

  private static func start<Failure: Error>(
    _ command: RemoteCommand, _ target: any DebuggableTarget,
    _ events: AsyncStream<Event<Failure>>.Continuation
  ) -> Task<Void, Never> {
    Task {
      let outcome = await target.perform(command) { events.yield(.printed($0)) }
      events.yield(.ended(outcome))
    }
  }
}

extension DebuggableTarget {
  /// Does what a session started.
  public func perform(
    _ command: RemoteCommand, print: @escaping @Sendable (String) -> Void
  ) async -> CommandOutcome {
    do throws(RemoteError) {
      switch command {
      case .resume(let resumption):
        guard let runnable = self as? any ResumableTarget else {
          throw .refused("this can't run")
        }
        return .stopped(try await runnable.resume(resumption, print: print))
      case .monitor(let request):
        guard let monitored = self as? any MonitoredTarget else {
          throw .refused("there are no commands")
        }
        return .printed(try await monitored.monitor(request, print: print))
      }
    } catch {
      return .failed(error)
    }
  }
}
