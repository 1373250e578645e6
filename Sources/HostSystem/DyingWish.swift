internal import Glibc

/// What is sent through a socket should this process be ended by a signal, the user's or that of a
/// fault of its own: so that what it stopped goes on. SIGKILL can't be helped.
///
/// There can be one at a time. Signals that were ignored remain so.
public enum DyingWish {
  /// Those that end a process by default and may come: from users, from a pipe that nobody reads, from
  /// limits, from files that shrink while they are mapped, from faults.
  private static let signals = [
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ, SIGBUS,
    SIGSEGV, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGSYS,
  ]

  /// From now on `bytes` are the wish. Nothing is changed if there is one already, or `bytes` are none.
  public static func set(_ bytes: [UInt8], through socket: LocalSocket) {
    guard unsafe wish == nil, !bytes.isEmpty else { return }
    // Safe: the handler only reads, and is installed once all is in place.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    unsafe copy.copyBytes(from: bytes)
    unsafe wish = UnsafeRawBufferPointer(copy)
    unsafe wishDescriptor = socket.descriptor
    unsafe handled = []
    for signal in signals {
      var action = sigaction()
      // Safe: `action` outlives the calls.
      guard unsafe sigaction(signal, nil, &action) == 0,
        unsafe action.__sigaction_handler.sa_handler == nil  // SIG_DFL
      else { continue }
      unsafe action.__sigaction_handler.sa_handler = { fulfilWish(andDieOf: $0) }
      if unsafe sigaction(signal, &action, nil) == 0 { unsafe handled.append(signal) }
    }
  }

  /// From now on there is none.
  public static func withdraw() {
    guard let bytes = unsafe wish else { return }
    for signal in unsafe handled {
      var action = sigaction()
      // Safe: `action`, all zeros, is SIG_DFL and outlives the call.
      _ = unsafe sigaction(signal, &action, nil)
    }
    unsafe handled = []
    unsafe wishDescriptor = -1
    unsafe wish = nil
    unsafe bytes.deallocate()
  }
}

// What the handler reads. Written only while the handler isn't installed.
private nonisolated(unsafe) var wish: UnsafeRawBufferPointer?
private nonisolated(unsafe) var wishDescriptor: Int32 = -1

// The signals that the handler was installed for. Only `set` and `withdraw` use it.
private nonisolated(unsafe) var handled: [Int32] = []

/// The handler: it calls only what signal-safety(7) allows.
private func fulfilWish(andDieOf signal: Int32) {
  if let bytes = unsafe wish {
    // Safe: the bytes live until `withdraw`, which removes the handler first.
    _ = unsafe send(
      wishDescriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    // The other side may drop what it hasn't read when the connection ends: wait for an answer.
    var request = unsafe pollfd(fd: wishDescriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&request, 1, 1000)
  }
  var action = sigaction()
  // Safe: `action`, all zeros, is SIG_DFL and outlives the call.
  _ = unsafe sigaction(signal, &action, nil)
  kill(getpid(), signal)
}
