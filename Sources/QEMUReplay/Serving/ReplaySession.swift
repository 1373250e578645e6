public import GDBRemote
public import HostSystem
internal import TimeTravel

extension LocalConnection: RemoteConnection {}

/// A recording that is being replayed: the engine, the timeline over it, and what debuggers are shown.
public final class ReplaySession: Sendable {
  public let recording: Recording
  private let engine: QEMUEngine
  private let target: TimelineTarget<QEMUEngine>

  /// Opens the recording in `path`, after recovering it if its recorder was killed, and checking that
  /// QEMU and the inputs are those that it was made with. `note` is told what was done besides.
  public init(
    _ path: String, progress: ProgressHandler = .silent, note: (String) -> Void = { _ in }
  ) async throws {
    var recording = try Recording(path)
    if recording.description.ending == nil {
      try recording.recover()
      note("the recorder was killed; the log was salvaged to its last whole event")
    }
    try recording.verify(progress: progress)
    self.recording = recording
    engine = try QEMUEngine(recording)
    if let notice = engine.notice { note(notice) }
    let timeline = try await Timeline(engine, store: recording.catalogue)
    target = TimelineTarget(timeline, description: engine.description)
  }

  /// The process that QEMU is.
  public var processID: Int32 { engine.processID }

  /// Serves debuggers that connect to `listener`, one after the other, until this task is cancelled, which
  /// also ends what a debugger is doing. `note` is told who comes and goes.
  public func serve(
    _ listener: LocalListener, note: @escaping @Sendable (String) -> Void
  ) async throws(HostError) {
    let result = await withTaskCancellationHandler {
      await accept(listener, note)
    } onCancel: {
      listener.close()
    }
    try result.get()
  }

  private func accept(
    _ listener: LocalListener, _ note: @escaping @Sendable (String) -> Void
  ) async -> Result<Void, HostError> {
    do throws(HostError) {
      while let connection = try await listener.accept() {
        note("a debugger has connected")
        do throws(HostError) {
          try await RemoteServer.serve(connection, target: target)
          note("the debugger has gone")
        } catch {
          note("the debugger was lost: \(error)")
        }
      }
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  /// Does one command as `monitor` would: `seek 50%`. `note` is told how far it is, if it takes long. Throws a
  /// `RemoteError`.
  public func run(
    _ command: String, note: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> String {
    let words = command.split(separator: " ").map(String.init)
    guard let name = words.first else { return "" }
    let request = MonitorRequest(
      command: name, arguments: Array(words.dropFirst()), thread: .first)
    return try await target.tellingProgress(note) { () async throws(RemoteError) in
      try await self.target.answer(request)
    }
  }

  /// Ends QEMU.
  public func end() async throws(ReplayError) { try await engine.end() }
}
