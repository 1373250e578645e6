/// One state of the machine: of those that share a moment, the one with these registers.
struct Place: Hashable, Sendable {
  let moment: Moment
  let registers: EngineRegisters
  /// Known to be the first state of its moment.
  var isFirst: Bool

  /// Whether both are the same state.
  func isSame(as other: Place) -> Bool {
    moment == other.moment && registers == other.registers
  }
}

/// Up to where a search looks: before a certain state.
struct SearchBound: Sendable {
  let moment: Moment
  /// The state's registers, if they are known.
  let registers: EngineRegisters?
  /// Known to be the first state of its moment.
  let isFirst: Bool

  /// The first state of `moment`.
  static func first(of moment: Moment) -> SearchBound {
    SearchBound(moment: moment, registers: nil, isFirst: true)
  }

  init(_ place: Place) {
    self.init(moment: place.moment, registers: place.registers, isFirst: place.isFirst)
  }

  private init(moment: Moment, registers: EngineRegisters?, isFirst: Bool) {
    self.moment = moment
    self.registers = registers
    self.isFirst = isFirst
  }
}

/// Where the engine stands, as far as that is known.
struct EngineState: Sendable {
  var moment: Moment
  /// Known to be in the first state of its moment.
  var isFirst: Bool
  /// Nil until they are read.
  var registers: EngineRegisters?
}

/// Why an attempt at a request ended early.
enum Setback: Error {
  /// The engine is gone; the attempt can be repeated.
  case died(String)
  /// The engine hung or ended where it was watching memory; the attempt can be repeated on a new one, which won't
  /// watch there.
  case blinded
  case interrupted
  case failed(TimelineError)
}
