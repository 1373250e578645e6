// Work of the engine that nothing can interrupt, as restoring a state: who interrupts isn't kept waiting for its
// end. The next request is.

extension Timeline {
  /// Has the engine do `body`. Throws `.interrupted` as soon as the user interrupts, and leaves the engine to it.
  func askUnlessInterrupted(
    _ body: @escaping @Sendable (Engine) async throws(EngineError) -> Void
  ) async throws(Setback) {
    if isInterrupted { throw .interrupted }
    let engine = engine
    let work = Task { () async -> Result<Void, EngineError> in
      do throws(EngineError) {
        return .success(try await body(engine))
      } catch {
        return .failure(error)
      }
    }
    await withCheckedContinuation { continuation in
      waiter = continuation
      Task {
        _ = await work.value
        self.wake()
      }
    }
    guard !isInterrupted else {
      leftWork = work
      throw .interrupted
    }
    let result = await work.value
    try await ask { _ throws(EngineError) in try result.get() }
  }

  /// Lets go on what waits for the engine or an interruption.
  func wake() {
    waiter?.resume()
    waiter = nil
  }

  /// Waits until the engine has done what it was left to. Where it then stands isn't known.
  func awaitLeftWork() async {
    guard let work = leftWork else { return }
    _ = await work.value
    leftWork = nil
    engineState = nil
    engineStops = nil
    isAstray = true
  }
}
