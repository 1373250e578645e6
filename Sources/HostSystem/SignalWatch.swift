internal import CLinux
internal import Dispatch
internal import Glibc

/// Takes signals as news instead of being ended by them. There can be one at a time.
///
/// A terminal's Ctrl-C goes to every program in the foreground: one that waits for another to close its
/// files mustn't go first.
public final class SignalWatch: Sendable {
  private let signals: [Int32]
  private let former: [sigaction]
  private let waiting = DispatchQueue(label: "varve.signals")

  /// From now on SIGINT, SIGTERM and SIGHUP are only counted. Those that were ignored remain so.
  public init() {
    signals = [SIGINT, SIGTERM, SIGHUP]
    unsafe arrivals.initialize(repeating: 0, count: signalLimit)
    bell.silence()
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
        let code = errno
        bell.ring()
        errno = code
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

  /// Returns once one of them has come, or `endWaiting` was called. It takes a thread of its own, none of
  /// those that Swift's tasks share.
  public func wait() async {
    await withCheckedContinuation { waiter in
      waiting.async {
        bell.wait()
        waiter.resume()
      }
    }
  }

  /// Has `wait` return.
  public func endWaiting() { bell.ring() }

  /// How often Ctrl-C was pressed, or SIGINT sent.
  public var interruptions: Int { unsafe Int(arrivals[Int(SIGINT)]) }
}

/// Signals have numbers below this (signal(7)).
private let signalLimit = 65
/// What a handler rings, and who waits hears. Made before the first handler can run, and never closed: one may
/// be on its way.
private let bell = Bell()

/// A pipe: writing to it is one of the few things that a handler may do (signal-safety(7)).
private struct Bell: Sendable {
  private let hearing: Int32
  private let ringing: Int32

  init() {
    var ends: InlineArray<2, Int32> = [-1, -1]
    var span = ends.mutableSpan
    // Safe: the call writes the two numbers that there is room for. Without a pipe, which only a lack of
    // descriptors can prevent, nobody is woken and both stay -1.
    _ = unsafe span.withUnsafeMutableBufferPointer { unsafe pipe2($0.baseAddress, flags) }
    (hearing, ringing) = (ends[0], ends[1])
  }

  func ring() {
    var byte: UInt8 = 1
    // Safe: `byte` outlives the call. That the pipe is full is as good.
    _ = unsafe write(ringing, &byte, 1)
  }

  /// Forgets what was rung before.
  func silence() {
    var byte: UInt8 = 0
    // Safe: `byte` has room for the one byte that is read.
    while unsafe read(hearing, &byte, 1) == 1 {}
  }

  /// Returns once it has rung.
  func wait() {
    var wish = pollfd(fd: hearing, events: Int16(POLLIN), revents: 0)
    // Safe: `wish` outlives the call.
    while unsafe poll(&wish, 1, -1) == -1, errno == EINTR {}
  }
}

private var flags: Int32 { Int32(O_CLOEXEC | O_NONBLOCK) }

/// How often each came. Never freed: a handler may be on its way.
private nonisolated(unsafe) let arrivals: UnsafeMutablePointer<UInt32> = {
  let counts = UnsafeMutablePointer<UInt32>.allocate(capacity: signalLimit)
  unsafe counts.initialize(repeating: 0, count: signalLimit)
  return unsafe counts
}()
