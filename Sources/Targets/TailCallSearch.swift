import Bytes

/// A jump by which a function leaves for another without returning.
struct TailCallSite: Hashable, Sendable {
  /// The address after the jump; nil if it isn't recorded.
  let returnAddress: VirtualAddress?
  /// Where the function that is jumped to begins; nil if that isn't known.
  let target: VirtualAddress?
}

/// Finds out which functions must have run, and left by a tail call, between a call of one function
/// and a frame of another.
///
/// Every way from the one to the other through tail calls is looked at. What all ways begin with,
/// and what all of them end with, did happen; what lies between is open if there are several. No
/// way uses the same jump twice: how often a loop was run through can't be known. If anything on
/// the way leads to where nothing is known, nothing is certain.
struct TailCallSearch {
  /// The tail calls of the function that begins at an address; nil if they aren't known.
  let sites: (VirtualAddress) -> [TailCallSite]?

  /// More functions, and more attempts at a way, than compiled programs ask for.
  static let functionLimit = 1000
  static let stepLimit = 100_000

  private struct Jump: Hashable {
    let function: VirtualAddress
    let index: Int
    let returnAddress: VirtualAddress?
    let target: VirtualAddress
  }

  /// The addresses after the jumps that certainly led from `start` to `end`, the last one first.
  /// Empty if there was none, or none is certain.
  func returnAddresses(from start: VirtualAddress, to end: VirtualAddress) -> [VirtualAddress] {
    guard start != end, let jumps = usefulJumps(from: start, to: end) else { return [] }
    var common: CommonEnds<Jump>?
    var path: [Jump] = []
    var onPath: Set<Jump> = []
    // What remains to be tried in the function reached so far, and in those before it.
    var untried = [ArraySlice(jumps[start] ?? [])]
    var steps = 0
    while let jump = untried.last?.first ?? nil, steps < Self.stepLimit {
      steps += 1
      untried[untried.count - 1].removeFirst()
      if jump.target == end {
        let way = path + [jump]
        common = common?.narrowed(by: way) ?? CommonEnds(way)
        if common?.isEmpty == true { return [] }
      } else if onPath.insert(jump).inserted {
        path.append(jump)
        untried.append(ArraySlice(jumps[jump.target] ?? []))
      }
      while untried.last?.isEmpty == true {
        untried.removeLast()
        if let left = path.popLast() { onPath.remove(left) }
      }
    }
    guard let common, steps < Self.stepLimit else { return [] }
    let addresses = common.certain.reversed().compactMap(\.returnAddress)
    return addresses.count == common.certain.count ? addresses : []
  }

  /// The jumps of each function between `start` and `end` by which `end` can be reached. Nil if
  /// there may be others.
  private func usefulJumps(
    from start: VirtualAddress, to end: VirtualAddress
  ) -> [VirtualAddress: [Jump]]? {
    guard let all = jumps(from: start, stoppingAt: end) else { return nil }
    var callers: [VirtualAddress: [VirtualAddress]] = [:]
    for jump in all.values.joined() { callers[jump.target, default: []].append(jump.function) }
    var useful: Set<VirtualAddress> = [end]
    var pending = [end]
    while let function = pending.popLast() {
      for caller in callers[function] ?? [] where useful.insert(caller).inserted {
        pending.append(caller)
      }
    }
    return all.mapValues { $0.filter { useful.contains($0.target) } }
  }

  private func jumps(
    from start: VirtualAddress, stoppingAt end: VirtualAddress?
  ) -> [VirtualAddress: [Jump]]? {
    var found: [VirtualAddress: [Jump]] = [:]
    var pending = [start]
    while let function = pending.popLast() {
      if found[function] != nil { continue }
      guard found.count < Self.functionLimit, let sites = sites(function) else { return nil }
      var jumps: [Jump] = []
      for (index, site) in sites.enumerated() {
        guard let target = site.target else { return nil }
        jumps.append(
          Jump(
            function: function, index: index, returnAddress: site.returnAddress, target: target))
        if target != end { pending.append(target) }
      }
      found[function] = jumps
    }
    return found
  }

  /// Whether `function` may be reached from itself by tail calls alone.
  func mayReturnToStart(of function: VirtualAddress) -> Bool {
    guard let jumps = jumps(from: function, stoppingAt: function) else { return true }
    return jumps.values.joined().contains { $0.target == function }
  }
}

/// What several sequences have in common at either end.
private struct CommonEnds<Element: Equatable> {
  private let first: [Element]
  private var prefix: Int
  private var suffix: Int

  init(_ sequence: [Element]) {
    first = sequence
    prefix = sequence.count
    suffix = sequence.count
  }

  func narrowed(by other: [Element]) -> CommonEnds {
    var narrowed = self
    narrowed.prefix = zip(first.prefix(prefix), other).prefix { $0 == $1 }.count
    narrowed.suffix =
      zip(first.suffix(suffix).reversed(), other.reversed())
      .prefix { $0 == $1 }.count
    return narrowed
  }

  var isEmpty: Bool { prefix == 0 && suffix == 0 }

  /// The common elements, in order.
  var certain: [Element] {
    if prefix == first.count { return first }
    return Array(first.prefix(prefix) + first.suffix(suffix))
  }
}
