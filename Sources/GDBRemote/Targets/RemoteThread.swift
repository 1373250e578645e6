/// A thread's number in the protocol: 1 or more.
public struct ThreadID: RawRepresentable, Hashable, Comparable, Sendable {
  public let rawValue: UInt32

  /// Nil for 0, which the protocol uses for "any thread".
  public init?(rawValue: UInt32) {
    guard rawValue > 0 else { return nil }
    self.rawValue = rawValue
  }

  /// The thread of a target that has only one, or its first.
  public static let first = ThreadID(unchecked: 1)

  /// The thread at `index`, counted from 0, of a target that numbers them in order.
  public init(index: UInt16) { rawValue = UInt32(index) + 1 }

  private init(unchecked: UInt32) { rawValue = unchecked }

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A thread as clients list it.
public struct RemoteThread: Hashable, Sendable {
  public var id: ThreadID
  /// What `info threads` calls it: a process's or task's name, `CPU 0`.
  public var name: String
  /// What is shown behind the name: `halted`; empty if there is nothing to say.
  public var details: String
  /// The processor that runs it; nil if none or unknown.
  public var core: Int?

  public init(id: ThreadID, name: String, details: String = "", core: Int? = nil) {
    self.id = id
    self.name = name
    self.details = details
    self.core = core
  }
}
