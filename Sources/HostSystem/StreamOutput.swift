internal import Bytes
internal import Glibc
internal import SystemPackage

/// A dump that goes into a pipe, a socket or a redirected standard output, from front to back.
public final class StreamOutput: DumpOutput {
  /// What to call it in messages.
  public let path: String
  /// How many bytes have gone out.
  public private(set) var position: UInt64 = 0

  private let descriptor: Int32
  /// What gaps are filled with, in pieces as big as pipes take at once.
  private static let zeros = ByteView(copying: repeatElement(0, count: 1 << 16))

  /// Standard output. Throws `.outputIsTerminal` if that is a terminal.
  public static func standardOutput() throws(HostError) -> StreamOutput {
    try StreamOutput(duplicating: StandardStream.output.rawValue, path: "standard output")
  }

  /// A copy of `descriptor`, which stays open and the caller's. Throws `.outputIsTerminal`.
  public init(duplicating descriptor: Int32, path: String) throws(HostError) {
    if Host.isTerminal(descriptor) { throw .outputIsTerminal(path: path) }
    self.path = path
    self.descriptor = try systemCall("fcntl", path) { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }
  }

  deinit { close(descriptor) }

  /// Writes zeros up to `offset`, then `bytes`. Throws `.outOfOrder` for an offset that lies
  /// behind.
  public func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    try fill(to: offset)
    try send(bytes)
  }

  public func finish(size: UInt64) throws(HostError) { try fill(to: size) }

  private func fill(to offset: UInt64) throws(HostError) {
    guard offset >= position else {
      throw .outOfOrder(path: path, offset: offset, position: position)
    }
    while position < offset {
      try send(Self.zeros.clampedSubview(at: 0, count: offset - position).bytes)
    }
  }

  private func send(_ bytes: RawSpan) throws(HostError) {
    // Safe: the pointer isn't kept beyond the closure.
    try unsafe bytes.withUnsafeBytes { buffer throws(HostError) in
      var done = 0
      while done < buffer.count {
        do throws(HostError) {
          // Safe: source and length lie within `buffer`.
          let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
          let count = try unsafe sendOnce(rest)
          done += count
          position += UInt64(count)
        } catch .system(_, _, .wouldBlock) {
          // Whoever gave us the descriptor set it so.
          try waitUntilWritable()
        }
      }
    }
  }

  /// One write(2). A reader that has gone away is EPIPE and no more: the signal that comes with it
  /// is held back from this thread and taken away. Changing its disposition would concern the whole
  /// process.
  @unsafe
  private func sendOnce(_ buffer: UnsafeRawBufferPointer) throws(HostError) -> Int {
    var brokenPipe = sigset_t()
    var before = sigset_t()
    // Safe: the sets outlive the calls, and only this thread's mask is changed.
    unsafe sigemptyset(&brokenPipe)
    unsafe sigaddset(&brokenPipe, SIGPIPE)
    unsafe pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    do throws(HostError) {
      // Safe: the caller's buffer outlives the call.
      return try systemCall("write", path) {
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
    } catch {
      if case .system(_, _, .brokenPipe) = error {
        // SIGPIPE goes to the thread that wrote, so if it isn't pending, it was ignored.
        var now = timespec()
        // Safe: both outlive the call.
        _ = unsafe sigtimedwait(&brokenPipe, nil, &now)
      }
      throw error
    }
  }

  private func waitUntilWritable() throws(HostError) {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    // Safe: `waiting` outlives the call.
    _ = try systemCall("poll", path) { unsafe poll(&waiting, 1, -1) }
  }
}
