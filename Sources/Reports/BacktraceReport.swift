/// What `varve bt` prints.
public struct BacktraceReport: Codable, Hashable, Sendable {
  /// Names this document's form; the number grows when a field changes its meaning.
  public var schema = "varve.backtrace/1"
  public var file: String
  public var threads: [ThreadReport]
  /// The coroutines that were asked for, apart from those that a thread runs.
  public var coroutines: [CoroutineStackReport]
  /// What couldn't be read on the way.
  public var warnings: [String]

  public init(
    file: String, threads: [ThreadReport] = [], coroutines: [CoroutineStackReport] = [],
    warnings: [String] = []
  ) {
    self.file = file
    self.threads = threads
    self.coroutines = coroutines
    self.warnings = warnings
  }

  /// All stacks, an empty line between two.
  public func text(_ style: TextStyle, raw: Bool = false, explain: Bool = false) -> String {
    let stacks =
      threads.map { $0.text(style, raw: raw, explain: explain) }
      + coroutines.map { $0.text(style, raw: raw, explain: explain) }
    return stacks.joined(separator: "\n\n")
  }
}
