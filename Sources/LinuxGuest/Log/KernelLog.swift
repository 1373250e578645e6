/// A kernel's log as it lay in memory.
public struct KernelLog: Hashable, Sendable {
  /// The records that are whole, in the order in which they were begun.
  public let records: [LogRecord]
  /// Records that were being written when the machine stopped.
  public let unfinished: Int
  /// Records whose text found no room in the ring, or was overwritten.
  public let withoutText: Int
  public let damage: LogDamage
  /// In which form the kernel keeps its log.
  public let form: LogForm

  public init(
    form: LogForm, records: [LogRecord], unfinished: Int = 0, withoutText: Int = 0,
    damage: LogDamage = LogDamage()
  ) {
    self.form = form
    self.records = records
    self.unfinished = unfinished
    self.withoutText = withoutText
    self.damage = damage
  }

  /// What isn't in `records` though it should be, a line each.
  public var diagnostics: [String] {
    var lines = damage.examples
    if damage.count > damage.examples.count {
      lines.append("\(damage.count - damage.examples.count) more places of the log are damaged")
    }
    if unfinished > 0 {
      lines.append("\(unfinished) log records were being written and have no text yet")
    }
    if withoutText > 0 {
      lines.append("\(withoutText) log records have lost their text")
    }
    return lines
  }
}

/// The forms of logs, newest first.
public enum LogForm: String, CaseIterable, Hashable, Sendable {
  /// `struct printk_ringbuffer` at `prb`: from 5.10 (kernel/printk/printk_ringbuffer.h).
  case ring
  /// `struct printk_log` records in `log_buf`: 3.5 to 5.9 (kernel/printk/printk.c).
  case buffer
}

/// What of a log couldn't be read.
public struct LogDamage: Hashable, Sendable {
  /// How many records, or places where one should be.
  public private(set) var count = 0
  /// The first of them in words.
  public private(set) var examples: [String] = []

  /// More than these nobody reads.
  private static let exampleLimit = 16

  public init() {}

  /// `what` is only put into words while examples are wanted.
  mutating func add(_ what: @autoclosure () -> String) {
    count += 1
    if examples.count < Self.exampleLimit { examples.append(what()) }
  }
}
