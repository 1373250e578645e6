import Synchronization

/// Collects what went wrong on the way to an answer that is given all the same.
public final class ProblemLog: Sendable {
  private let state = Mutex<(lines: [String], seen: Set<String>)>(([], []))

  public init() {}

  /// Adds a line, unless it is there already.
  public func add(_ line: String) {
    state.withLock { state in
      if state.seen.insert(line).inserted { state.lines.append(line) }
    }
  }

  public func add(_ lines: some Sequence<String>) {
    for line in lines { add(line) }
  }

  /// The lines in the order in which they came.
  public var lines: [String] { state.withLock { $0.lines } }

  /// What `body` gives, or nil if it throws: the error is then kept, after `what`.
  func attempt<Value, Failure: Error>(
    _ what: @autoclosure () -> String, _ body: () throws(Failure) -> Value?
  ) -> Value? {
    do throws(Failure) {
      return try body()
    } catch {
      add("\(what()): \(error)")
      return nil
    }
  }
}
