internal import GDBRemote
internal import TimeTravel

extension TimelineTarget {
  /// Does `body`. If that takes long, tells now and then where it is looking.
  func tellingProgress<Result: Sendable>(
    _ note: @escaping @Sendable (String) -> Void, lineEnd: String = "",
    _ body: () async throws(RemoteError) -> Result
  ) async throws(RemoteError) -> Result {
    let teller = Task {
      do {
        while true {
          try await Task.sleep(for: progressInterval)
          let place = await text(timeline.lookingAt)
          note("still at it: \(place); Ctrl-C ends this" + lineEnd)
        }
      } catch is CancellationError {
        // It is done.
      }
    }
    defer { teller.cancel() }
    return try await body()
  }
}
