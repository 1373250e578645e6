internal import Glibc

/// What is sent through a socket should this process be ended by a signal, the user's or that of a
/// fault of its own: so that what it stopped goes on. SIGKILL can't be helped.
///
/// There can be one at a time. Signals that were ignored remain so.
public enum DyingWish {
  /// Those that end a process by default and may come: from users, from a pipe that nobody reads, from
  /// limits. Who handles one of these means to live on.
  private static let signals = [
    SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ, SIGSYS,
  ]
  /// Faults, and what the Swift runtime handles as if it were one, to print where it happened. Only
  /// recurring ones end the process after that, so it can't be left to the runtime.
  private static let faults = [SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGQUIT]

  /// From now on `bytes` are the wish. Nothing is changed if there is one already, or `bytes` are none.
  public static func set(_ bytes: [UInt8], through socket: LocalSocket) {
    guard unsafe wish == nil, !bytes.isEmpty else { return }
    // Safe: the handler only reads, and is installed once all is in place.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    unsafe copy.copyBytes(from: bytes)
    unsafe wish = UnsafeRawBufferPointer(copy)
    unsafe wishDescriptor = socket.descriptor
    for signal in signals + faults {
      var action = sigaction()
      // Safe: `action` outlives the calls; the signals' numbers are within the table.
      guard unsafe sigaction(signal, nil, &action) == 0 else { continue }
      let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      guard handler == 0 || (faults.contains(signal) && handler != 1) else { continue }
      unsafe former[Int(signal)] = action
      unsafe action.__sigaction_handler.sa_sigaction = { signal, information, _ in
        unsafe fulfilWish(andDieOf: signal, information)
      }
      action.sa_flags = Int32(SA_ONSTACK) | Int32(SA_SIGINFO)
      _ = unsafe sigaction(signal, &action, nil)
      unsafe isReplaced[Int(signal)] = true
    }
  }

  /// From now on there is none.
  public static func withdraw() {
    guard let bytes = unsafe wish else { return }
    for signal in signals + faults where unsafe isReplaced[Int(signal)] {
      // Safe: as above.
      _ = unsafe sigaction(signal, &former[Int(signal)], nil)
      unsafe isReplaced[Int(signal)] = false
    }
    unsafe wishDescriptor = -1
    unsafe wish = nil
    unsafe bytes.deallocate()
  }
}

// What the handler reads. Written only while the handler isn't installed.
private nonisolated(unsafe) var wish: UnsafeRawBufferPointer?
private nonisolated(unsafe) var wishDescriptor: Int32 = -1

/// Signals have numbers below this (signal(7)).
private let signalLimit = 65
/// What was done with each signal before; all zeros is SIG_DFL. Never freed: the handler may be on its
/// way.
private nonisolated(unsafe) let former: UnsafeMutablePointer<sigaction> = {
  let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: signalLimit)
  unsafe actions.initialize(repeating: sigaction(), count: signalLimit)
  return unsafe actions
}()
private nonisolated(unsafe) var isReplaced = [Bool](repeating: false, count: signalLimit)

/// The handler: it calls only what signal-safety(7) allows.
private func fulfilWish(andDieOf signal: Int32, _ information: UnsafeMutablePointer<siginfo_t>?) {
  if let bytes = unsafe wish {
    // Safe: the bytes live until `withdraw`, which removes the handler first.
    _ = unsafe send(
      wishDescriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    // The other side may drop what it hasn't read when the connection ends: wait for an answer.
    var request = unsafe pollfd(fd: wishDescriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&request, 1, 1000)
  }
  // A real fault comes again when the handler returns, and whoever handled it before has the say. What
  // was sent (si_code at most 0, sigaction(2)) wouldn't.
  let recurs = signal == SIGBUS || signal == SIGSEGV || signal == SIGILL || signal == SIGFPE
  if recurs, let information = unsafe information, unsafe information.pointee.si_code > 0 {
    // Safe: the table has room for every signal and was filled before the handler was installed.
    _ = unsafe sigaction(signal, former + Int(signal), nil)
    return
  }
  var action = sigaction()
  // Safe: `action`, all zeros, is SIG_DFL and outlives the call.
  _ = unsafe sigaction(signal, &action, nil)
  kill(getpid(), signal)
}
