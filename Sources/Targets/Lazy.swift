import Synchronization

/// A value that is made when it is first asked for, once, whichever thread asks.
final class Lazy<Value: Sendable>: Sendable {
  private let state: Mutex<Value?> = Mutex(nil)
  private let make: @Sendable () -> Value

  init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  /// The value. Threads that ask while it is being made wait for it.
  var value: Value {
    state.withLock { state in
      if let value = state { return value }
      let value = make()
      state = value
      return value
    }
  }
}
