internal import Bytes

/// A stop that a forward pass came by.
struct Hit: Sendable {
  let reason: TimelineStop.Reason
  /// The state in which the machine stopped: for a watchpoint the one after the access.
  let stop: Place

  var isAccess: Bool {
    if case .watchpoint = reason { true } else { false }
  }
}

/// All stops of one stretch of the recording: breakpoints at states from the first of `from` to before the
/// first of `to`, and accesses by the instructions that leave those states.
struct HitLog: Sendable {
  let key: ArmedStops.Key
  let from: Moment
  let to: Moment
  /// In order; an access comes before a breakpoint at the state that it leads to.
  let hits: [Hit]

  /// The last hit that a search backwards from `bound` meets; nil if that can't be told from this log
  /// alone.
  func lastHit(before bound: SearchBound) -> Answer? {
    guard from < bound.moment, bound.moment <= to else { return nil }
    let earlier = partition(hits.count) { hits[$0].stop.moment < bound.moment }
    let together = earlier..<partition(hits.count) { hits[$0].stop.moment <= bound.moment }
    guard let count = countBefore(bound, earlier, together) else { return nil }
    return count > 0 ? .hit(hits[count - 1]) : .nothing
  }

  /// How many hits come before `bound`, of which `earlier` stop at earlier moments and those in
  /// `together` at its own.
  private func countBefore(
    _ bound: SearchBound, _ earlier: Int, _ together: Range<Int>
  ) -> Int? {
    if let registers = bound.registers {
      if let same = together.first(where: { hits[$0].stop.registers == registers }) {
        // An access that led to this very state came before it; a breakpoint here didn't.
        return hits[same].isAccess ? same + 1 : same
      }
      // The first state isn't among the stops, so all stops of its moment come after it.
      if bound.isFirst { return earlier }
      return together.isEmpty && bound.moment < to ? earlier : nil
    }
    // What stops at the end of the log stops in the first state there.
    if bound.moment == to { return hits.count }
    return together.isEmpty ? earlier : nil
  }

  enum Answer {
    case hit(Hit)
    /// There is none from `from` on.
    case nothing
  }
}

/// The logs of searches so far, so that the next search needn't look where one has looked.
struct HitLogs: Sendable {
  static let countLimit = 256
  /// Stops held in all logs together.
  static let hitLimit = 20_000

  /// The latest last.
  private(set) var logs: [HitLog] = []

  mutating func insert(_ log: HitLog) {
    guard log.from < log.to, log.hits.count <= Self.hitLimit else { return }
    logs.append(log)
    var hits = logs.reduce(0) { $0 + $1.hits.count }
    while logs.count > Self.countLimit || hits > Self.hitLimit {
      hits -= logs.removeFirst().hits.count
    }
  }

  /// Takes a stop out that was none.
  mutating func forget(_ hit: Hit) {
    logs = logs.map { log in
      HitLog(
        key: log.key, from: log.from, to: log.to,
        hits: log.hits.filter { $0.reason != hit.reason || !$0.stop.isSame(as: hit.stop) })
    }
  }

  /// The log that answers a search before `bound`, with its answer.
  func answer(
    before bound: SearchBound, _ key: ArmedStops.Key
  ) -> (log: HitLog, answer: HitLog.Answer)? {
    for log in logs.reversed() where log.key == key {
      if let answer = log.lastHit(before: bound) { return (log, answer) }
    }
    return nil
  }

  /// The latest end of a log before `moment`: a search from there on meets what was searched.
  func lastEnd(before moment: Moment, _ key: ArmedStops.Key) -> Moment? {
    logs.lazy.filter { $0.key == key && $0.to < moment }.map(\.to).max()
  }
}
