/// The stack of one thread or coroutine.
public struct StackReport: Codable, Hashable, Sendable {
  public var frames: [FrameReport]
  /// Why there are no more frames.
  public var stop: StopReport

  public init(frames: [FrameReport], stop: StopReport) {
    self.frames = frames
    self.stop = stop
  }
}

/// Why a backtrace ends.
public struct StopReport: Codable, Hashable, Sendable {
  /// The outermost frame was reached: nothing is missing.
  public var complete: Bool
  public var reason: String

  public init(complete: Bool, reason: String) {
    self.complete = complete
    self.reason = reason
  }
}

/// One thread with its stack, and the stacks of the coroutines that it runs.
public struct ThreadReport: Codable, Hashable, Sendable {
  /// gdb's number: from 1, in the order of the dump.
  public var number: Int
  /// The kernel's thread id.
  public var lwp: UInt32
  /// The `pthread_t`, in hexadecimal; nil where the thread pointer is unknown or 0.
  public var pthread: String?
  /// The signal that the thread was stopped by; 0 for none.
  public var signal: Int32
  public var stack: StackReport
  /// The coroutine that the thread runs, then the one that entered it, and so on outwards.
  public var coroutines: [CoroutineStackReport]

  public init(
    number: Int, lwp: UInt32, pthread: String?, signal: Int32, stack: StackReport,
    coroutines: [CoroutineStackReport] = []
  ) {
    self.number = number
    self.lwp = lwp
    self.pthread = pthread
    self.signal = signal
    self.stack = stack
    self.coroutines = coroutines
  }
}

/// One coroutine's stack.
public struct CoroutineStackReport: Codable, Hashable, Sendable {
  /// The coroutine's address, in hexadecimal.
  public var address: String
  /// Its state in words.
  public var state: String
  public var stack: StackReport

  public init(address: String, state: String, stack: StackReport) {
    self.address = address
    self.state = state
    self.stack = stack
  }
}

extension StackReport {
  /// The frames, a line each, and why they end.
  public func text(_ style: TextStyle, raw: Bool = false, explain: Bool = false) -> String {
    var lines = frames.map { $0.text(style, raw: raw, explain: explain) }
    if stop.complete {
      if explain { lines.append(style.paint("    [\(stop.reason)]", .faint)) }
    } else {
      lines.append(style.paint("Backtrace stopped: \(stop.reason)", .warning))
    }
    return lines.joined(separator: "\n")
  }
}

extension ThreadReport {
  /// gdb's heading and the stacks.
  public func text(_ style: TextStyle, raw: Bool = false, explain: Bool = false) -> String {
    let name = pthread.map { "Thread \($0) (LWP \(lwp))" } ?? "LWP \(lwp)"
    var text = style.paint("Thread \(number) (\(name)):", .heading) + "\n"
    text += stack.text(style, raw: raw, explain: explain)
    for coroutine in coroutines {
      text += "\n" + coroutine.text(style, raw: raw, explain: explain)
    }
    return text
  }
}

extension CoroutineStackReport {
  /// The heading that QEMU's own gdb commands print, and the frames.
  public func text(_ style: TextStyle, raw: Bool = false, explain: Bool = false) -> String {
    style.paint("Coroutine at \(address):", .heading) + " \(TextStyle.visible(state))\n"
      + stack.text(style, raw: raw, explain: explain)
  }
}
