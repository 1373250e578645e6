internal import HostSystem
internal import Synchronization

/// Adds up what several threads have done and tells a handler a few times a second.
final class ProgressMeter: Sendable {
  private struct State {
    var done: UInt64 = 0
    var next: ContinuousClock.Instant
  }

  private let what: String
  private let total: UInt64
  private let handler: ProgressHandler
  private let state: Mutex<State>
  private static let interval = Duration.milliseconds(250)

  init(_ what: String, total: UInt64, _ handler: ProgressHandler) {
    self.what = what
    self.total = total
    self.handler = handler
    state = Mutex(State(next: ContinuousClock.now + Self.interval))
  }

  func add(_ count: UInt64) {
    let done: UInt64? = state.withLock { state in
      state.done += count
      let now = ContinuousClock.now
      guard now >= state.next else { return nil }
      state.next = now + Self.interval
      return state.done
    }
    if let done { handler(ProgressStep(what: what, done: done, total: total)) }
  }

  func finish() { handler(nil) }
}
