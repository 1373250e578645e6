public import Targets

/// Why no machine was found in a process.
public enum MachineError: Error, Hashable, Sendable {
  /// The program has no debug information.
  case noDebugInformation
  /// The debug information led nowhere.
  case structures(StructureError)
  /// No way that was tried found a machine; each one's reason.
  case notFound(reasons: [String])
}

extension MachineError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noDebugInformation: "the program has no debug information"
    case .structures(let error): "the debug information leads to no machine: \(error)"
    case .notFound(let reasons): reasons.joined(separator: "; ")
    }
  }
}
