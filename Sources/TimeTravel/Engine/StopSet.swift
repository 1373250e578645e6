public import Bytes

/// A range of a machine's memory.
public struct MemoryRange: Hashable, Sendable, CustomStringConvertible {
  public enum Start: Hashable, Sendable {
    /// An address as the CPU's instructions see it at the moment in question.
    case virtual(VirtualAddress)
    /// An address on the machine's memory bus.
    case physical(PhysicalAddress)

    /// Another address in the same space.
    func moved(to address: UInt64) -> Start {
      switch self {
      case .virtual: .virtual(VirtualAddress(address))
      case .physical: .physical(PhysicalAddress(address))
      }
    }
  }

  public let start: Start
  /// In bytes.
  public let count: UInt64

  public init(_ start: Start, count: UInt64) {
    self.start = start
    self.count = count
  }

  /// The address without its space.
  public var rawStart: UInt64 {
    switch start {
    case .virtual(let address): address.rawValue
    case .physical(let address): address.rawValue
    }
  }

  /// Whether both name the same space and this range holds all of `other`.
  public func contains(_ other: MemoryRange) -> Bool {
    switch (start, other.start) {
    case (.virtual, .virtual), (.physical, .physical): break
    default: return false
    }
    guard other.rawStart >= rawStart else { return false }
    let offset = other.rawStart - rawStart
    return offset <= count && other.count <= count - offset
  }

  /// Whether both name the same space and have a byte in common.
  public func overlaps(_ other: MemoryRange) -> Bool {
    switch (start, other.start) {
    case (.virtual, .virtual), (.physical, .physical): break
    default: return false
    }
    guard count > 0, other.count > 0 else { return false }
    return other.rawStart >= rawStart
      ? other.rawStart - rawStart < count : rawStart - other.rawStart < other.count
  }

  public var description: String {
    switch start {
    case .virtual(let address): "\(count) bytes at \(address)"
    case .physical(let address): "\(count) bytes at physical \(address)"
    }
  }
}

/// Which accesses a watchpoint is for.
public enum WatchedAccess: Hashable, Sendable {
  case read, write, readOrWrite
}

/// Memory whose accesses stop the machine.
public struct Watchpoint: Hashable, Sendable {
  public let range: MemoryRange
  public let access: WatchedAccess

  public init(_ range: MemoryRange, access: WatchedAccess) {
    self.range = range
    self.access = access
  }
}

/// What an engine is to stop at.
public struct StopSet: Hashable, Sendable {
  /// Stop before the instruction at each of these is executed.
  public var breakpoints: Set<VirtualAddress>
  /// Stop after an instruction that accesses one of these.
  public var watchpoints: Set<Watchpoint>

  public init(breakpoints: Set<VirtualAddress> = [], watchpoints: Set<Watchpoint> = []) {
    self.breakpoints = breakpoints
    self.watchpoints = watchpoints
  }

  public static let none = StopSet()

  public var isEmpty: Bool { breakpoints.isEmpty && watchpoints.isEmpty }
}
