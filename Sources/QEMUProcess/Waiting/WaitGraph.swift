public import Bytes

/// Who waits for whom among a QEMU process's coroutines and what they use.
///
/// An edge points from the one that can't go on to what it waits for: from a coroutine to a lock,
/// from the lock to its holder.
public struct WaitGraph: Sendable {
  public var edges: [WaitEdge]
  /// The circles in which everyone waits for everyone: deadlocks, unless something from outside
  /// (a timeout, a cancellation) breaks in. Each begins with its lowest node.
  public private(set) var cycles: [[WaitNode]] = []
  /// What couldn't be looked at, and why.
  public var diagnostics: [String]

  public init(edges: [WaitEdge], diagnostics: [String] = []) {
    var seen: Set<WaitEdge> = []
    self.edges = edges.filter { seen.insert($0).inserted }
    self.diagnostics = diagnostics
    cycles = CycleFinder(self.edges).cycles()
  }

  /// The edges that leave `node`.
  public func edges(from node: WaitNode) -> [WaitEdge] { edges.filter { $0.from == node } }

  /// The edges that end at `node`: who waits for it.
  public func edges(to node: WaitNode) -> [WaitEdge] { edges.filter { $0.to == node } }
}

/// Someone who waits, or something that is waited for. Two nodes are the same if their kind and
/// address are.
public struct WaitNode: Sendable {
  public enum Kind: String, Hashable, Sendable {
    case coroutine
    case mutex = "CoMutex"
    case readWriteLock = "CoRwlock"
    case queue = "CoQueue"
    case request
    case blockNode = "block node"
    case blockBackend = "block backend"
    case throttleGroup = "throttle group"
    case job
    case eventLoop = "event loop"
    case timer
    case thread
  }
  public let kind: Kind
  /// The structure's address; a thread's number; for a timer, the sleeper's address.
  public let address: VirtualAddress
  /// What QEMU or its user calls it; nil for what has no name.
  public let name: String?

  public init(_ kind: Kind, _ address: VirtualAddress, name: String? = nil) {
    self.kind = kind
    self.address = address
    self.name = name
  }
}

extension WaitNode: Hashable {
  public static func == (left: Self, right: Self) -> Bool {
    left.kind == right.kind && left.address == right.address
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(address)
  }
}

extension WaitNode: Comparable {
  public static func < (left: Self, right: Self) -> Bool {
    (left.kind.rawValue, left.address) < (right.kind.rawValue, right.address)
  }
}

extension WaitNode: CustomStringConvertible {
  public var description: String {
    switch (kind, name) {
    case (.thread, let name): "thread \(address.rawValue)" + (name.map { " (\($0))" } ?? "")
    case (.timer, let name): "timer" + (name.map { " of \($0)" } ?? "")
    case (.request, let name?): "request \(address) (\(name))"
    case (_, let name?): "\(kind.rawValue) \(name) at \(address)"
    case (_, nil): "\(kind.rawValue) \(address)"
    }
  }
}

/// That one waits for the other.
public struct WaitEdge: Hashable, Sendable {
  public let from: WaitNode
  public let to: WaitNode
  public let reason: Reason
  /// What says so.
  public let source: Source

  public enum Reason: String, Hashable, Sendable {
    case waitsInQueue = "waits in"
    case waitsForLock = "waits to lock"
    case heldBy = "is held by"
    case hasEntered = "has entered"
    case scheduledOn = "is scheduled on"
    case sleepsUntil = "sleeps until"
    case runsIn = "is run by"
    case belongsTo = "belongs to"
    case waitsForRequest = "waits for the overlapping"
    case isDoneBy = "is done by"
    case drains = "is drained and waits for"
    case isPaused = "is paused, as is"
  }

  public enum Source: Hashable, Sendable {
    /// Links in memory that agree with each other; no debug information was needed.
    case structure
    /// QEMU's variables, by debug information.
    case debugInformation
  }

  public init(_ from: WaitNode, _ reason: Reason, _ to: WaitNode, source: Source) {
    self.from = from
    self.reason = reason
    self.to = to
    self.source = source
  }
}

extension WaitEdge: CustomStringConvertible {
  public var description: String { "\(from) \(reason.rawValue) \(to)" }
}

extension WaitGraph: CustomStringConvertible {
  /// An edge a line, then the circles.
  public var description: String {
    var lines = edges.map(\.description)
    for cycle in cycles {
      guard let first = cycle.first else { continue }
      let path = (cycle + [first]).map(\.description).joined(separator: " → ")
      lines.append("circle: \(path)")
    }
    return lines.joined(separator: "\n")
  }
}
