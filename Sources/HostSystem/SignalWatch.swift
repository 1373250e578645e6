internal import Glibc

/// Takes signals as news instead of being ended by them. There can be one at a time.
///
/// A terminal's Ctrl-C goes to every program in the foreground: one that waits for another to close its
/// files mustn't go first.
public final class SignalWatch: Sendable {
  private let signals: [Int32]
  private let former: [sigaction]

  /// From now on SIGINT, SIGTERM and SIGHUP are only counted. Those that were ignored remain so.
  public init() {
    signals = [SIGINT, SIGTERM, SIGHUP]
    unsafe arrivals.initialize(repeating: 0, count: signalLimit)
    var former: [sigaction] = []
    for signal in signals {
      var action = sigaction()
      var before = sigaction()
      // Safe: both outlive the calls.
      _ = unsafe sigaction(signal, nil, &before)
      let handler = unsafe unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self)
      former.append(before)
      guard handler != 1 else { continue }
      unsafe action.__sigaction_handler.sa_handler = { number in
        // Safe: the table has room for every signal and is never freed.
        if number >= 0, Int(number) < signalLimit { unsafe arrivals[Int(number)] &+= 1 }
      }
      _ = unsafe sigaction(signal, &action, nil)
    }
    self.former = former
  }

  deinit {
    for (index, signal) in signals.enumerated() {
      var action = former[index]
      // Safe: `action` outlives the call.
      _ = unsafe sigaction(signal, &action, nil)
    }
  }

  /// How often the user asked this process by a signal to end: SIGTERM and SIGHUP.
  public var endRequests: Int { unsafe Int(arrivals[Int(SIGTERM)] &+ arrivals[Int(SIGHUP)]) }

  /// How often Ctrl-C was pressed, or SIGINT sent.
  public var interruptions: Int { unsafe Int(arrivals[Int(SIGINT)]) }
}

/// Signals have numbers below this (signal(7)).
private let signalLimit = 65
/// How often each came. Never freed: a handler may be on its way.
private nonisolated(unsafe) let arrivals: UnsafeMutablePointer<UInt32> = {
  let counts = UnsafeMutablePointer<UInt32>.allocate(capacity: signalLimit)
  unsafe counts.initialize(repeating: 0, count: signalLimit)
  return unsafe counts
}()
