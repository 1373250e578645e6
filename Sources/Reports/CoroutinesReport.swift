/// What `varve coroutines` prints.
public struct CoroutinesReport: Codable, Hashable, Sendable {
  public var schema = "varve.coroutines/1"
  public var file: String
  /// `ucontext`, `sigaltstack`; nil without coroutines.
  public var backend: String?
  /// Whether QEMU's own variables were read too, by its debug information.
  public var checkedByDebugInformation: Bool
  /// How many bytes of memory were searched.
  public var searched: UInt64
  public var coroutines: [CoroutineReport]
  /// What looks like a coroutine and isn't taken for one.
  public var rejected: [RejectedCoroutineReport]
  /// Who waits for whom; nil unless asked for.
  public var waits: WaitsReport?
  public var warnings: [String]
}

/// One coroutine.
public struct CoroutineReport: Codable, Hashable, Sendable {
  /// Of its `struct Coroutine`, in hexadecimal.
  public var address: String
  /// `running in thread 4711`, `suspended`, `idle in the global pool`, …
  public var state: String
  /// It has a function to go on with: it isn't just kept for reuse.
  public var live: Bool
  /// The function that it runs, or ran last, and its argument.
  public var entry: String
  public var entryAddress: String
  public var argument: String
  /// The callers' addresses, from the nearest outwards.
  public var callers: [String]
  /// The event loop that it was last entered in, and the thread that runs the loop.
  public var context: String?
  public var homeThread: Int32?
  public var locksHeld: UInt64?
  public var stack: CoroutineStackUse
  /// The innermost frame that isn't coroutine machinery; nil where there is none or it has no name.
  public var frame: FrameReport?
  /// What the machinery within that frame waits for, such as `a CoMutex`.
  public var waitsFor: String?
  /// What speaks for it, best first.
  public var evidence: [String]
  /// What isn't as it should be.
  public var doubts: [String]
}

/// A coroutine's stack.
public struct CoroutineStackUse: Codable, Hashable, Sendable {
  /// The lowest address, in hexadecimal.
  public var base: String
  /// In bytes, with the guard page.
  public var size: UInt64
  /// How many bytes, from the stack's end, were ever used.
  public var deepestUse: UInt64
  /// False if pages are missing from the dump, so that more may have been used.
  public var deepestUseIsComplete: Bool
}

/// Something that looks like a coroutine.
public struct RejectedCoroutineReport: Codable, Hashable, Sendable {
  public var address: String
  public var reason: String
}

/// Who waits for whom.
public struct WaitsReport: Codable, Hashable, Sendable {
  public struct Edge: Codable, Hashable, Sendable {
    public var from: String
    public var reason: String
    public var to: String
  }
  public var edges: [Edge]
  /// Each is a circle in which everyone waits for the next: a deadlock.
  public var cycles: [[String]]
}

extension CoroutinesReport {
  public func text(_ style: TextStyle, explain: Bool = false) -> String {
    var lines = [summary]
    if !coroutines.isEmpty { lines.append("") }
    for coroutine in coroutines { lines += coroutine.lines(style, explain: explain) }
    if explain {
      lines += rejected.map {
        style.paint("not a coroutine: \($0.address): \($0.reason)", .faint)
      }
    }
    if let waits { lines += waits.lines(style) }
    return lines.joined(separator: "\n")
  }

  private var summary: String {
    guard !coroutines.isEmpty else { return "no coroutine was found" }
    let live = coroutines.count { $0.live }
    let how =
      checkedByDebugInformation
      ? "found by shape, checked against QEMU's own variables"
      : "found by shape alone, without symbols"
    return "\(coroutines.count) coroutines (\(backend ?? "unknown") backend), \(live) live, "
      + "\(coroutines.count - live) kept for reuse; \(how)"
  }
}

extension CoroutineReport {
  func lines(_ style: TextStyle, explain: Bool) -> [String] {
    var first = style.paint(address, .address) + "  " + TextStyle.visible(state)
    if let context { first += " in " + TextStyle.visible(context) }
    if let homeThread { first += " (thread \(homeThread))" }
    if let locksHeld, locksHeld > 0 {
      first += ", holds \(locksHeld) lock\(locksHeld == 1 ? "" : "s")"
    }
    var lines = [first]
    if live {
      lines.append("    entry " + style.paint(entry, .function) + " (\(argument))")
      if let frame {
        let place = frame.file.map { " at \($0):\(frame.line ?? 0)" } ?? ""
        lines.append(
          "    in " + style.paint(frame.function ?? frame.pc, .function)
            + style.paint(place, .file) + (waitsFor.map { ", waits for \($0)" } ?? ""))
      }
      if !callers.isEmpty { lines.append("    called by " + callers.joined(separator: ", ")) }
    }
    if live || explain {
      let depth = deepestText
      lines.append("    stack \(stack.base), \(MemoryReport.amount(stack.size)), \(depth)")
    }
    if explain { lines += evidence.map { "    because " + TextStyle.visible($0) } }
    lines += doubts.map { style.paint("    but " + $0, .warning) }
    return lines
  }

  private var deepestText: String {
    (stack.deepestUseIsComplete ? "" : "at least ")
      + MemoryReport.amount(stack.deepestUse) + " used at most so far"
  }
}

extension WaitsReport {
  func lines(_ style: TextStyle) -> [String] {
    var lines = ["", style.paint("Who waits for whom:", .heading)]
    if edges.isEmpty { lines.append("  nobody waits for anything that can be told") }
    lines += edges.map {
      TextStyle.visible("  \($0.from) ") + style.paint($0.reason, .faint)
        + TextStyle.visible(" \($0.to)")
    }
    for cycle in cycles {
      let circle = (cycle + cycle.prefix(1)).joined(separator: " -> ")
      lines.append(style.paint("DEADLOCK: \(circle)", .warning))
    }
    return lines
  }
}
