/// Something that Varve says otherwise than gdb or eu-stack, or that only one of them says.
struct Difference: Hashable, Sendable, CustomStringConvertible {
  enum Kind: String, Hashable, Sendable {
    case thread, frame, function, address, location, library, guess, argument, local
    /// An argument under `-frame-arguments all`.
    case wholeArgument
    /// Varve knows an argument's value at entry, and the other tool doesn't; what else it says of the
    /// argument is the same, or nothing.
    case entryValue
    /// The program counters of a thread's frames, compared with eu-stack's.
    case programCounters
  }

  let core: String
  let thread: Int
  let level: Int
  let kind: Kind
  let function: String
  /// The variable's name.
  var variable = ""
  /// What the other tool says; nil if it says nothing.
  let theirs: String?
  /// What Varve says; nil if it says nothing.
  let ours: String?

  var description: String {
    let name = variable.isEmpty ? "" : " \(variable)"
    return "\(core) LWP \(thread) #\(level) \(function): \(kind.rawValue)\(name): "
      + "theirs \(theirs ?? "-") | ours \(ours ?? "-")"
  }
}

/// Compares one thread's stack as two tools print it.
struct StackComparison {
  let core: String
  let thread: Int
  /// Compare only arguments, as `wholeArgument`.
  var onlyWholeArguments = false
  var comparesLocals = true
  private(set) var differences: [Difference] = []

  init(core: String, thread: Int) {
    self.core = core
    self.thread = thread
  }

  mutating func compare(_ theirs: [FrameLine], _ ours: [FrameLine]) {
    for pair in FrameAlignment.pairs(theirs, ours) {
      switch pair {
      case .both(let their, let our): compare(theirs[their], ours[our], level: our)
      case .onlyTheirs(let index):
        add(.frame, index, theirs[index].function, theirs[index].function, nil)
      case .onlyOurs(let index):
        add(.frame, index, ours[index].function, nil, ours[index].function)
      }
    }
  }

  private mutating func compare(_ their: FrameLine, _ our: FrameLine, level: Int) {
    let name = their.function
    if onlyWholeArguments {
      compare(.wholeArgument, their.arguments, our.arguments, level, name)
      return
    }
    if name != our.function { add(.function, level, name, name, our.function) }
    if their.address != our.address {
      add(.address, level, name, their.address.map(hex), our.address.map(hex))
    }
    if their.location != our.location { add(.location, level, name, their.location, our.location) }
    if their.library != our.library { add(.library, level, name, their.library, our.library) }
    if let guess = our.guess { add(.guess, level, name, nil, guess) }
    compare(.argument, their.arguments, our.arguments, level, name)
    if comparesLocals { compare(.local, their.locals, our.locals, level, name) }
  }

  /// Variables of the same name (shadowed locals, say) are told apart by their order.
  private mutating func compare(
    _ kind: Difference.Kind, _ theirs: [PrintedVariable], _ ours: [PrintedVariable], _ level: Int,
    _ function: String
  ) {
    if theirs == ours { return }
    var rest = ours
    for variable in theirs {
      guard let match = rest.firstIndex(where: { $0.name == variable.name }) else {
        add(kind, level, function, variable.value, nil, variable: variable.name)
        continue
      }
      let value = rest.remove(at: match).value
      if value != variable.value {
        let known = "\(variable.name)@entry="
        let isEntryValue =
          value == known + variable.value
          || variable.value == "<optimized out>" && value.hasPrefix(known)
        add(
          isEntryValue ? .entryValue : kind, level, function, variable.value, value,
          variable: variable.name)
      }
    }
    for variable in rest {
      add(kind, level, function, nil, variable.value, variable: variable.name)
    }
    let theirNames = theirs.map(\.name)
    let ourNames = ours.map(\.name)
    if theirNames != ourNames, theirNames.sorted() == ourNames.sorted() {
      add(
        kind, level, function, theirNames.joined(separator: " "), ourNames.joined(separator: " "),
        variable: "order")
    }
  }

  private mutating func add(
    _ kind: Difference.Kind, _ level: Int, _ function: String, _ theirs: String?, _ ours: String?,
    variable: String = ""
  ) {
    differences.append(
      Difference(
        core: core, thread: thread, level: level, kind: kind, function: function,
        variable: variable, theirs: theirs, ours: ours))
  }
}

func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

/// Says which frames of two stacks are the same one.
enum FrameAlignment {
  enum Pair {
    case both(Int, Int)
    case onlyTheirs(Int)
    case onlyOurs(Int)
  }

  /// How many frames either side may have for itself in a row before the rest is given up.
  private static let reach = 8

  static func pairs(_ theirs: [FrameLine], _ ours: [FrameLine]) -> [Pair] {
    var pairs: [Pair] = []
    var (their, our) = (0, 0)
    while their < theirs.count, our < ours.count {
      let skip = nextMatch(theirs[their...], ours[our...])
      pairs += (0..<skip.theirs).map { .onlyTheirs(their + $0) }
      pairs += (0..<skip.ours).map { .onlyOurs(our + $0) }
      their += skip.theirs
      our += skip.ours
      if their < theirs.count, our < ours.count { pairs.append(.both(their, our)) }
      their += 1
      our += 1
    }
    if their < theirs.count { pairs += (their..<theirs.count).map { .onlyTheirs($0) } }
    if our < ours.count { pairs += (our..<ours.count).map { .onlyOurs($0) } }
    return pairs
  }

  /// The fewest frames to skip on both sides to come to two that are the same; none if none are,
  /// so that their differences are shown.
  private static func nextMatch(
    _ theirs: ArraySlice<FrameLine>, _ ours: ArraySlice<FrameLine>
  ) -> (theirs: Int, ours: Int) {
    for total in 0...reach {
      for skipped in 0...total where skipped < theirs.count && total - skipped < ours.count {
        let their = theirs[theirs.startIndex + skipped]
        let our = ours[ours.startIndex + total - skipped]
        if isSame(their, our) { return (skipped, total - skipped) }
      }
    }
    return (0, 0)
  }

  private static func isSame(_ their: FrameLine, _ our: FrameLine) -> Bool {
    if let theirAddress = their.address, let ourAddress = our.address {
      return theirAddress == ourAddress
    }
    // gdb sometimes leaves a C++ function's parameters on.
    return their.function == our.function || their.function.hasPrefix(our.function + "(")
  }
}
