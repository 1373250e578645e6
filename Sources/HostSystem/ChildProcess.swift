internal import CLinux
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A program that this process started.
///
/// A thread of its own starts it and waits for its end, so that a program can be told to end with
/// this process, whatever ends that: the kernel reckons by the thread that started it (prctl(2),
/// PR_SET_PDEATHSIG), and threads of a pool come and go.
public final class ChildProcess: Sendable {
  /// How a program ended.
  public enum Ending: Hashable, Sendable {
    case exited(status: Int32)
    case signal(Int32)
  }

  /// One of a program's standard streams.
  public enum Stream: Sendable {
    /// This process's own.
    case inherited
    case file(OpenFile)
    case null
  }

  public let path: String
  public let processID: Int32
  private let state: Mutex<Ending?>
  /// Becomes readable at the end.
  private let ended: Int32

  /// Starts `path` with `arguments`, of which the first is the program's name. `sockets` stay open in
  /// it under the numbers that they have here. It begins in `directory`, else in this process's own. `endsWithParent`: it is killed should this process end.
  /// `isAlone`: the terminal's Ctrl-C doesn't reach it. Throws `.system`.
  public init(
    _ path: String, _ arguments: [String], input: Stream = .inherited, output: Stream = .inherited,
    errors: Stream = .inherited, sockets: [LocalSocket] = [], directory: String? = nil,
    endsWithParent: Bool, isAlone: Bool
  ) throws(HostError) {
    let pipes = try makePipe(path)
    let launch = Launch(
      path: path, arguments: arguments, streams: [input, output, errors], sockets: sockets,
      directory: directory, signal: endsWithParent ? SIGKILL : 0, isAlone: isAlone,
      endOfLife: pipes.writing)
    do throws(HostError) {
      processID = try launch.begin()
    } catch {
      close(pipes.reading)
      throw error
    }
    self.path = path
    ended = pipes.reading
    state = Mutex(nil)
  }

  deinit { close(ended) }

  /// How it ended; nil while it runs.
  public var ending: Ending? { wait(before: .now) }

  /// Waits until it ends or `deadline` comes; nil if it still runs then.
  public func wait(before deadline: ContinuousClock.Instant) -> Ending? {
    if let ending = state.withLock({ $0 }) { return ending }
    var request = pollfd(fd: ended, events: Int16(POLLIN), revents: 0)
    repeat {
      let left = max(.zero, deadline - .now).components
      let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
      // Safe: `request` outlives the call.
      let ready = unsafe poll(&request, 1, Int32(clamping: milliseconds))
      if ready > 0 { return collect() }
    } while errno == EINTR && ContinuousClock.now < deadline
    return nil
  }

  /// Takes the end's report; only once the pipe has something to say.
  private func collect() -> Ending? {
    state.withLock { state in
      if state != nil { return state }
      var status: Int32 = 0
      // Safe: `status` outlives the call.
      guard unsafe waitpid(processID, &status, WNOHANG) == processID else { return nil }
      // wait(2): the low seven bits are the signal, the next byte is the exit status.
      let signal = status & 0x7f
      state = signal == 0 ? .exited(status: (status >> 8) & 0xff) : .signal(signal)
      return state
    }
  }

  /// Sends `signal` unless it has ended.
  public func send(_ signal: Int32) {
    state.withLock { state in
      // Its number stays its own until it is waited for, which happens under this lock.
      if state == nil { _ = kill(processID, signal) }
    }
  }
}

/// What the thread needs that starts a program.
private final class Launch: Sendable {
  let path: String
  let arguments: [String]
  let streams: [ChildProcess.Stream]
  let sockets: [LocalSocket]
  let directory: String?
  let signal: Int32
  let isAlone: Bool
  /// Closed when the program has ended.
  let endOfLife: Int32
  private let result = Mutex<Result<Int32, HostError>?>(nil)

  init(
    path: String, arguments: [String], streams: [ChildProcess.Stream], sockets: [LocalSocket],
    directory: String?, signal: Int32, isAlone: Bool, endOfLife: Int32
  ) {
    self.path = path
    self.arguments = arguments
    self.streams = streams
    self.sockets = sockets
    self.directory = directory
    self.signal = signal
    self.isAlone = isAlone
    self.endOfLife = endOfLife
  }

  /// Starts the thread; gives the process once it runs.
  func begin() throws(HostError) -> Int32 {
    let started = try makePipe(path)
    let writer = started.writing
    defer { close(started.reading) }
    let work: @Sendable () -> Void = { self.run(announcingTo: writer) }
    let box = Box(work)
    var thread = pthread_t()
    // Safe: the box is retained for the thread, which releases it.
    let code = unsafe pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer = unsafe pointer else { return nil }
        unsafe Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().work()
        return nil
      }, Unmanaged.passRetained(box).toOpaque())
    guard code == 0 else {
      close(writer)
      close(endOfLife)
      throw .system(call: "pthread_create", path: path, code: Errno(rawValue: code))
    }
    _ = pthread_detach(thread)
    var byte: UInt8 = 0
    // Safe: one byte is read into one; the end of the pipe says the same as a byte.
    _ = try systemCall("read", path) { unsafe read(started.reading, &byte, 1) }
    switch result.withLock({ $0 }) {
    case .success(let id): return id
    case .failure(let error): throw error
    case nil: throw .system(call: "fork", path: path, code: .ioError)
    }
  }

  private func run(announcingTo writer: Int32) {
    let outcome: Result<Int32, HostError>
    do throws(HostError) {
      outcome = .success(try spawn())
    } catch {
      outcome = .failure(error)
    }
    result.withLock { $0 = outcome }
    close(writer)
    if case .success(let id) = outcome {
      var information = unsafe siginfo_t()
      // Waits without taking the report, which is `collect`'s. Safe: it outlives the call.
      while unsafe waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
    }
    close(endOfLife)
  }

  private func spawn() throws(HostError) -> Int32 {
    var null: Int32 = -1
    defer { if null >= 0 { close(null) } }
    var descriptors: [Int32] = []
    for stream in streams {
      switch stream {
      case .inherited: descriptors.append(-1)
      case .file(let file): descriptors.append(file.descriptor)
      case .null:
        if null < 0 {
          // Safe: Swift passes the string as a NUL-terminated copy that outlives the call.
          null = try systemCall("open", "/dev/null") {
            unsafe Glibc.open("/dev/null", O_RDWR | O_CLOEXEC)
          }
        }
        descriptors.append(null)
      }
    }
    let kept = sockets.map(\.descriptor)
    // Safe: the copies are freed below, after the call that reads them.
    var texts: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
    unsafe texts.append(nil)
    defer { for index in arguments.indices { unsafe free(texts[index]) } }
    let place = unsafe directory.flatMap { unsafe strdup($0) }
    defer { unsafe free(place) }
    // Safe: the arrays outlive the call, which is told their sizes.
    return try systemCall("execv", path) {
      unsafe varve_spawn(
        path, texts, descriptors, kept, Int32(kept.count), signal, isAlone ? 1 : 0, place)
    }
  }
}

/// A closure that a pointer can name.
private final class Box: Sendable {
  let work: @Sendable () -> Void
  init(_ work: @escaping @Sendable () -> Void) { self.work = work }
}

/// Two ends of a pipe, for this process only; `path` names it in messages.
private func makePipe(_ path: String) throws(HostError) -> (reading: Int32, writing: Int32) {
  var ends: InlineArray<2, Int32> = [-1, -1]
  _ = try systemCall("pipe2", path) {
    var span = ends.mutableSpan
    // Safe: the call writes the two numbers that there is room for.
    return unsafe span.withUnsafeMutableBufferPointer {
      unsafe pipe2($0.baseAddress, O_CLOEXEC)
    }
  }
  return (ends[0], ends[1])
}
