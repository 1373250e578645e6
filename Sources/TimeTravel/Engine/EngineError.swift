/// What can go wrong in an engine.
public enum EngineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The engine is gone: `restart()` may bring it back. `detail` says how it ended.
  case died(detail: String)
  /// The engine is gone because it watched memory, and knows how it won't be the next time: after `restart()` the
  /// same can be tried again. Thrown only finitely often.
  case diedWatching(detail: String)
  /// The instruction count hasn't moved from `moment` for too long. `detail` is what the engine says of
  /// its state.
  case stalled(at: Moment, detail: String)
  /// No checkpoint can be saved at this very moment.
  case saveRefused(at: Moment, detail: String)
  case noSuchCheckpoint(CheckpointName)
  /// Not all of this memory is there at the current moment.
  case unreadable(MemoryRange)
  /// The engine can't do this at all.
  case unsupported(String)
  /// Anything else: the engine's own words.
  case failed(String)

  public var description: String {
    switch self {
    case .died(let detail), .diedWatching(let detail): "the replay engine ended: \(detail)"
    case .stalled(let moment, let detail):
      "the replay makes no progress at instruction \(moment): \(detail)"
    case .saveRefused(let moment, let detail):
      "no checkpoint can be saved at instruction \(moment): \(detail)"
    case .noSuchCheckpoint(let name): "the replay engine has no checkpoint \(name)"
    case .unreadable(let range): "can't read \(range)"
    case .unsupported(let what): "the replay engine can't do this: \(what)"
    case .failed(let detail): detail
    }
  }
}
