public import Bytes

/// What is known of the last write to some memory.
///
/// Stores through virtual addresses are watched: the one that was asked for, and others that mean the same memory.
/// Of those no store is missed. Memory can also change otherwise: a device writes it, or an instruction
/// does through an address that wasn't known to mean it. Such a change is found by comparing contents,
/// which proves that it happened, and where, but not that nothing happened after it that left no trace.
public struct LastWrite: Hashable, Sendable {
  public enum Finding: Hashable, Sendable {
    /// The last store through one of the watched addresses: this one. Memory at the position is as the store left
    /// it.
    case store(AccessRecord, through: VirtualAddress)
    /// As `store`, but memory can't be read at the position, so it couldn't be compared.
    case storeToUnreadable(AccessRecord, through: VirtualAddress)
    /// In this step memory became what it is at the position, by no store through a watched address, nor did one
    /// come later.
    case change(AccessRecord, by: Culprit)
    /// As `change`, and it was a store through this address, which meant the memory then, but not at the
    /// position.
    case earlierMapping(AccessRecord, through: VirtualAddress)
    /// No store through a watched address was found, and memory is as it was at the beginning.
    case nothing
  }

  /// What may have changed memory when no store was seen.
  public enum Culprit: Hashable, Sendable {
    /// A device, or a store through an address that isn't known to mean this memory.
    case deviceOrAlias
    /// One of these, or the address came to mean other memory. The engine can't tell.
    case deviceOrAliasOrMapping
    /// A device or any store: no address was known that could be watched.
    case anything
  }

  public let finding: Finding
  /// Through which virtual addresses stores were watched.
  public let watched: [MemoryRange]
  /// How many times memory was compared between the finding and the position and found to be as it is at the
  /// position. Changes there and back between two of these aren't excluded, nor are writes of the same
  /// bytes, unless they were stores through watched addresses.
  public internal(set) var comparisons: Int
  /// Moments between the finding and the position at which the engine couldn't watch, so that stores of the
  /// same bytes there would have been missed.
  public internal(set) var unwatchedMoments: Int

  /// The step that was found; nil for `.nothing`.
  public var record: AccessRecord? {
    switch finding {
    case .store(let record, _), .storeToUnreadable(let record, _): record
    case .change(let record, _), .earlierMapping(let record, _): record
    case .nothing: nil
    }
  }
}

/// A step that changed memory or stored there.
public struct AccessRecord: Hashable, Sendable {
  /// When the step began: the moment to seek to for seeing memory as it was before.
  public let moment: Moment
  /// The registers before the step.
  public let registers: EngineRegisters
  /// The memory in question before the step; nil if it couldn't be read there.
  public let before: [UInt8]?
  /// And after it.
  public let after: [UInt8]?

  /// Whether the step took an interrupt or exception, which stores where to return to. Unlike an instruction it isn't
  /// counted.
  public let isEntry: Bool

  /// The instruction that was executed, or before which an interrupt or exception was taken.
  public var programCounter: VirtualAddress { registers.programCounter }
}
