import Bytes
import TimeTravel

/// Everything that a recording holds, by executing it once and writing down each state.
struct Oracle {
  struct State {
    let machine: ToyMachine
    /// What the step from here accesses; nothing in the last state.
    var accesses: [ToyAccess] = []
  }

  private(set) var states: [State] = []

  init(_ program: ToyProgram) {
    var machine = ToyMachine(program)
    while true {
      states.append(State(machine: machine))
      guard machine.count < program.length else { break }
      states[states.count - 1].accesses = machine.step(program)
    }
  }

  var last: Int { states.count - 1 }

  func moment(_ index: Int) -> Moment { Moment(states[index].machine.count) }

  func address(_ index: Int) -> VirtualAddress {
    ToyMachine.address(states[index].machine.programCounter)
  }

  /// The first state of a moment.
  func first(of moment: Moment) -> Int? {
    states.firstIndex { $0.machine.count == moment.rawValue }
  }

  /// What the step from `index` triggers.
  func access(_ index: Int, _ stops: StopSet) -> Set<Watchpoint> {
    Set(
      stops.watchpoints.filter { point in states[index].accesses.contains { $0.triggers(point) } })
  }

  /// Where a run forwards from `index` stops and for what; nil at the end.
  func run(
    from index: Int, _ stops: StopSet, where holds: (Int) -> Bool = { _ in true }
  ) -> (index: Int, Set<TimelineStop.Reason>)? {
    for next in index + 1..<max(states.count, index + 1) {
      guard holds(next) else { continue }
      let accesses = access(next - 1, stops)
      if !accesses.isEmpty { return (next, Set(accesses.map { .watchpoint($0) })) }
      if stops.breakpoints.contains(address(next)) { return (next, [.breakpoint(address(next))]) }
    }
    return nil
  }

  /// Where going back from `index` stops and for what; nil at the beginning.
  func reverseRun(
    from index: Int, _ stops: StopSet, where holds: (Int) -> Bool = { _ in true }
  ) -> (index: Int, Set<TimelineStop.Reason>)? {
    for earlier in stride(from: index - 1, through: 0, by: -1) {
      let accesses = access(earlier, stops)
      if !accesses.isEmpty, holds(earlier + 1) {
        return (earlier, Set(accesses.map { .watchpoint($0) }))
      }
      if stops.breakpoints.contains(address(earlier)), holds(earlier) {
        return (earlier, [.breakpoint(address(earlier))])
      }
    }
    return nil
  }

  /// All states at which runs forwards stop, one after the other.
  func stops(_ stops: StopSet) -> [Int] {
    var found: [Int] = []
    var index = 0
    while let next = run(from: index, stops) {
      found.append(next.index)
      index = next.index
    }
    return found
  }
}
