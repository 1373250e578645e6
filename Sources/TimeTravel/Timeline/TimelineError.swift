/// Why a request to a `Timeline` failed. The position is then the one from before the request.
public enum TimelineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The engine ended this many times while serving one request, or couldn't be started again.
  case engineLost(attempts: Int, detail: String)
  /// No progress in instruction count.
  case stalled(at: Moment, detail: String)
  /// The replay isn't what it was before: the registers at `at` differ from those seen there earlier.
  /// The last moment at which they were known to agree is `since`.
  case diverged(at: Moment, since: Moment)
  /// There is nothing recorded at this moment.
  case outsideRecording(Moment, recorded: ClosedRange<Moment>)
  case unreadable(MemoryRange)
  /// The engine can't do this.
  case unsupported(String)
  /// Another request is under way.
  case busy
  /// A query was interrupted.
  case interrupted
  case invalidName(String)
  case nameTaken(String)
  case unknownName(String)
  /// No room for another checkpoint that may not be dropped: `count` of them use `bytes` bytes.
  case full(count: Int, bytes: UInt64)
  /// What was kept with the recording can't be read or written.
  case storage(String)
  /// The engine's own words.
  case engine(String)

  public var description: String {
    switch self {
    case .engineLost(let attempts, let detail):
      "the replay engine ended \(attempts) times during this request: \(detail)"
    case .stalled(let moment, let detail):
      """
      the replay makes no progress at instruction \(moment): \(detail). Nothing was moved; a new \
      attempt begins at a checkpoint
      """
    case .diverged(let moment, let since):
      """
      the replay diverged: the registers at instruction \(moment) aren't those seen there before; \
      at instruction \(since) they still were. Was anything changed that the recording was made \
      with, or its list of checkpoints?
      """
    case .outsideRecording(let moment, let recorded):
      """
      instruction \(moment) isn't in the recording, which has \(recorded.lowerBound) to \
      \(recorded.upperBound)
      """
    case .unreadable(let range): "can't read \(range)"
    case .unsupported(let what): "the replay engine can't do this: \(what)"
    case .busy: "another request is under way"
    case .interrupted: "interrupted"
    case .invalidName(let name):
      "\"\(name)\" is no name: use up to 64 letters, digits, \"-\", \"_\" and \".\""
    case .nameTaken(let name): "there is a \(name) already"
    case .unknownName(let name): "there is no \(name)"
    case .full(let count, let bytes):
      "no room for another checkpoint: \(count) that may not be dropped use \(bytes) bytes"
    case .storage(let detail): detail
    case .engine(let detail): detail
    }
  }
}
