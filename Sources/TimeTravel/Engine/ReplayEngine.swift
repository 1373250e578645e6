public import Bytes

/// What replays a recording, forwards only.
///
/// A `Timeline` owns its engine and calls one function at a time, save `interrupt()`, which may come
/// while another is under way. After any error but `.died` the engine is usable and stands at some
/// moment that `position()` tells; after `.died` only `restart()` is called.
///
/// Nothing that the engine does may change what is replayed: there is no way to write memory or
/// registers. (`storesNext` writes memory, and its state is thrown away.)
public protocol ReplayEngine: Sendable {
  /// The part of the recording that can be replayed. The engine never runs beyond its end, even if
  /// told to.
  func recordedRange() async throws(EngineError) -> ClosedRange<Moment>

  /// Relates counts to the guest's clock.
  func guestClock() async throws(EngineError) -> GuestClock

  /// How long the engine has been busy in all, over all functions here. Differences of this tell the
  /// timeline what checkpoints cost and what they save. A deterministic engine may count work.
  func timeSpent() async -> Duration

  /// Where the engine stands.
  func position() async throws(EngineError) -> Moment

  /// Replays until `limit` is reached or one of the stops that were set comes, whichever is first. At
  /// or past `limit` it returns `.reached` at once.
  ///
  /// With `.reached` the machine is in the *first* state that has that count: before an interrupt
  /// or exception at that count is taken. An access by the instruction just before the limit is
  /// reported as `.watchpoint` all the same; an engine that can't tell there stops some instructions
  /// short and steps. A breakpoint at the limit's own PC may be reported or not.
  ///
  /// A breakpoint at the current PC may stop it at once without progress: the timeline steps first.
  ///
  /// Throws `.stalled` when the instruction count hasn't moved for longer than the engine's
  /// patience, with what the engine says of itself.
  func run(to limit: Moment) async throws(EngineError) -> EngineStop

  /// Replays one instruction, or takes one interrupt or exception (then the count may stay).
  /// `.watchpoint` if that accessed a watchpoint that is set, else `.reached`; breakpoints don't
  /// matter. At the recording's end it returns `.reached` and does nothing.
  func step() async throws(EngineError) -> EngineStop

  /// Where the engine was seen last in a run that is under way; nil if that isn't known. May be asked at any time.
  var sighting: Moment? { get }

  /// Replaces all breakpoints and watchpoints. Throws `.unsupported` for what it can't stop at, and then
  /// keeps none.
  func setStops(_ stops: StopSet) async throws(EngineError)

  /// The registers where the engine stands.
  func registers() async throws(EngineError) -> EngineRegisters

  /// Memory where the engine stands, all `range.count` bytes. Throws `.unreadable`.
  func memory(_ range: MemoryRange) async throws(EngineError) -> [UInt8]

  /// Memory of several ranges where the engine stands, in their order; nil for what can't be read.
  func memory(_ ranges: [MemoryRange]) async throws(EngineError) -> [[UInt8]?]

  /// Where `address` lies in the machine's memory at the current moment; nil if it is mapped nowhere.
  /// Throws `.unsupported` if the engine can't tell.
  func physicalAddress(
    of address: VirtualAddress
  ) async throws(EngineError) -> PhysicalAddress?

  /// All virtual addresses that mean `address` at the current moment. Throws `.unsupported` if the engine
  /// can't tell.
  func virtualAddresses(
    of address: PhysicalAddress
  ) async throws(EngineError) -> [VirtualAddress]

  /// Whether a watchpoint for writes may be reported for a store that was only near it.
  var mayReportOtherStores: Bool { get }

  /// Whether the next step stores to `range`, told by taking it over other contents: afterwards the timeline goes
  /// to a checkpoint. No stops are set. Nil if the engine can't tell.
  ///
  /// - Parameter watching: whether memory can be watched there; then a store counts, too, that depends on what is
  ///   there and so leaves other contents as they are: a comparison and exchange.
  func storesNext(
    to range: MemoryRange, watching: Bool
  ) async throws(EngineError) -> Bool?

  /// Keeps the whole state where the engine stands, for this run and later ones. The timeline has removed
  /// all stops before. Gives the checkpoint's size in bytes on disk (an estimate will do). Throws
  /// `.saveRefused` if that is impossible just here: the timeline goes on a little and tries again.
  func saveCheckpoint(_ name: CheckpointName) async throws(EngineError) -> UInt64

  /// Goes to a checkpoint. Throws `.noSuchCheckpoint`.
  func restoreCheckpoint(_ name: CheckpointName) async throws(EngineError)

  /// Forgets a checkpoint. Throws `.noSuchCheckpoint`.
  func deleteCheckpoint(_ name: CheckpointName) async throws(EngineError)

  /// The names of all checkpoints that there really are. The state in which the recording begins is not
  /// among them: `rewind()` goes there.
  func checkpoints() async throws(EngineError) -> Set<CheckpointName>

  /// Goes to the beginning of the recorded range.
  func rewind() async throws(EngineError)

  /// Makes a `run(to:)` that is under way return `.interrupted` soon; if none is, does nothing, or makes
  /// the next one return so.
  func interrupt() async

  /// Starts anew after `.died`, with the checkpoints that survived and no stops, at the beginning of
  /// the recorded range.
  func restart() async throws(EngineError)
}

extension ReplayEngine {
  public func memory(_ ranges: [MemoryRange]) async throws(EngineError) -> [[UInt8]?] {
    var pieces: [[UInt8]?] = []
    for range in ranges {
      do throws(EngineError) {
        pieces.append(try await memory(range))
      } catch {
        guard case .unreadable = error else { throw error }
        pieces.append(nil)
      }
    }
    return pieces
  }

  public var sighting: Moment? { nil }

  public var mayReportOtherStores: Bool { false }

  public func storesNext(
    to range: MemoryRange, watching: Bool
  ) async throws(EngineError) -> Bool? { nil }

  public func physicalAddress(
    of address: VirtualAddress
  ) async throws(EngineError) -> PhysicalAddress? {
    throw .unsupported("telling where virtual addresses lie")
  }

  public func virtualAddresses(
    of address: PhysicalAddress
  ) async throws(EngineError) -> [VirtualAddress] {
    throw .unsupported("telling where physical memory is mapped")
  }
}

/// Why `run(to:)` or `step()` came back.
public enum EngineStop: Hashable, Sendable {
  /// The limit, or the end of the recording, or one step is done.
  case reached
  /// The instruction at this address is about to be executed.
  case breakpoint(VirtualAddress)
  /// The instruction just executed accessed one that is set. If it accessed several, any of them.
  case watchpoint(Watchpoint)
  /// Nothing that was asked for, after as long as one should go on unasked. An engine that may report other stores
  /// stops at some of them and knows that they were none: that costs time, and the caller may know a better
  /// way.
  case elsewhere
  case interrupted
}

/// The name under which an engine keeps a checkpoint: letters, digits, `-`, `_` and `.`, at most 64.
public struct CheckpointName: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let text: String

  /// Nil if `text` has other characters, none, or too many.
  public init?(_ text: String) {
    let scalars = text.unicodeScalars
    guard !scalars.isEmpty, scalars.count <= 64, scalars.allSatisfy(Self.isAllowed) else {
      return nil
    }
    self.text = text
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
    default: false
    }
  }

  public static func < (left: CheckpointName, right: CheckpointName) -> Bool {
    left.text < right.text
  }

  public var description: String { text }
}
