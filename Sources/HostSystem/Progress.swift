/// How far a step that lasts has come.
public struct ProgressStep: Hashable, Sendable {
  /// What is being done, for a person: `decompressing core.zst`.
  public let what: String
  public let done: UInt64
  /// In the same unit as `done`; nil while it isn't known.
  public let total: UInt64?

  public init(what: String, done: UInt64, total: UInt64?) {
    self.what = what
    self.done = done
    self.total = total
  }
}

/// Who is told of progress. Whatever lasts calls it a few times a second, and with nil when done.
public struct ProgressHandler: Sendable {
  private let handle: @Sendable (ProgressStep?) -> Void

  public init(_ handle: @escaping @Sendable (ProgressStep?) -> Void) { self.handle = handle }

  /// Tells nobody.
  public static let silent = ProgressHandler { _ in }

  public func callAsFunction(_ step: ProgressStep?) { handle(step) }
}
