/// A difference that is as it should be, and why.
struct AcceptedDifference: Sendable, CustomStringConvertible {
  /// Which texts a row is about.
  enum Pattern: Sendable {
    case any
    /// The tool says nothing.
    case nothing
    case exactly(String)
    case oneOf([String])
    case beginning(String)
    case containing(String)

    func matches(_ text: String?) -> Bool {
      switch self {
      case .any: true
      case .nothing: text == nil
      case .exactly(let whole): text == whole
      case .oneOf(let all): text.map(all.contains) ?? false
      case .beginning(let prefix): text?.hasPrefix(prefix) ?? false
      case .containing(let part): text?.contains(part) ?? false
      }
    }
  }

  /// A row about an argument is about it under `-frame-arguments all` as well.
  let kind: Difference.Kind
  var cores = Pattern.any
  var function = Pattern.any
  var variable = Pattern.any
  var theirs = Pattern.any
  var ours = Pattern.any
  let because: String

  func covers(_ difference: Difference) -> Bool {
    (kind == difference.kind || kind == .argument && difference.kind == .wholeArgument)
      && cores.matches(difference.core)
      && function.matches(difference.function) && variable.matches(difference.variable)
      && theirs.matches(difference.theirs) && ours.matches(difference.ours)
  }

  var description: String { "\(kind.rawValue) \(function) \(variable): \(because)" }
}
