/// What `varve core` prints: which coroutine became which thread.
public struct AugmentedCoreReport: Codable, Hashable, Sendable {
  public struct Thread: Codable, Hashable, Sendable {
    /// gdb's number of the thread in the new core.
    public var number: Int
    public var lwp: Int32
    /// The coroutine's address, in hexadecimal.
    public var coroutine: String
    public var state: String

    public init(number: Int, lwp: Int32, coroutine: String, state: String) {
      self.number = number
      self.lwp = lwp
      self.coroutine = coroutine
      self.state = state
    }
  }

  public var schema = "varve.core/1"
  public var input: String
  public var output: String
  public var threads: [Thread]
  public var warnings: [String]

  public init(input: String, output: String, threads: [Thread], warnings: [String]) {
    self.input = input
    self.output = output
    self.threads = threads
    self.warnings = warnings
  }

  public func text(_ style: TextStyle) -> String {
    let lines = threads.map {
      "Thread \($0.number) (LWP \($0.lwp)) is coroutine "
        + style.paint($0.coroutine, .address) + ", " + TextStyle.visible($0.state)
    }
    let summary = "wrote \(output) with \(threads.count) coroutines as threads"
    return (lines + [TextStyle.visible(summary)]).joined(separator: "\n")
  }
}
