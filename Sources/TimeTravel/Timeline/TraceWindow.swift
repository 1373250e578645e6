/// States that follow one another, each one step after the one before: what one pass of single steps
/// recorded, for the many reverse steps that it answers.
struct TraceWindow: Sendable {
  struct State: Sendable {
    let place: Place
    /// Memory that the user is likely to look at next.
    var memory: [MemoryRange: [UInt8]]
    /// What the step from here accessed of the watchpoints that were set. Meaningless in the last state.
    var access: Watchpoint?
  }

  /// The watchpoints that were set for all of the steps.
  let watched: Set<Watchpoint>
  /// Never empty. The first is the first state of its moment.
  private(set) var states: [State]

  init(watched: Set<Watchpoint>, first: State) {
    self.watched = watched
    states = [first]
  }

  var last: State { states[states.count - 1] }

  /// Adds the state after a step that accessed `access`.
  mutating func append(_ state: State, access: Watchpoint?) {
    states[states.count - 1].access = access
    states.append(state)
  }

  mutating func setMemory(_ memory: [MemoryRange: [UInt8]], at index: Int) {
    states[index].memory = memory
  }

  /// Keeps about the last `count` states, so that the first is still the first of its moment.
  mutating func trim(to count: Int) {
    guard states.count > count else { return }
    let wanted = states.count - count
    guard let start = (wanted..<states.count).first(where: { states[$0].place.isFirst }) else {
      return
    }
    states.removeFirst(start)
  }

  /// Which of the states `place` is.
  func index(of place: Place) -> Int? {
    var low = 0
    var high = states.count
    while low < high {
      let middle = (low + high) / 2
      if states[middle].place.moment < place.moment { low = middle + 1 } else { high = middle }
    }
    while low < states.count, states[low].place.moment == place.moment {
      if states[low].place.registers == place.registers { return low }
      low += 1
    }
    return nil
  }

  /// Whether the step from the state `index` is known to have changed `range`.
  func changes(_ range: MemoryRange, from index: Int) -> Bool {
    guard index >= 0, index + 1 < states.count, let before = memory(range, at: index),
      let after = memory(range, at: index + 1)
    else { return false }
    return before != after
  }

  /// The bytes of `range` at the state `index`, if the pass recorded them.
  func memory(_ range: MemoryRange, at index: Int) -> [UInt8]? {
    for (recorded, bytes) in states[index].memory where recorded.contains(range) {
      let start = Int(range.rawStart - recorded.rawStart)
      guard let end = Int(exactly: range.count).map({ $0 + start }), end <= bytes.count else {
        continue
      }
      return Array(bytes[start..<end])
    }
    return nil
  }
}
