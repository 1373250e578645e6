import Bytes

/// Why a machine can't be made out in a QEMU process without symbols.
public enum MachineSearchError: Error, Hashable, Sendable {
  /// The dump doesn't tell where the program's variables are, or doesn't hold them.
  case noVariables
  /// There is nothing that could be a guest's memory.
  case noMemory
  /// Two or more readings fit equally well: a line each.
  case ambiguous(what: String, candidates: [String])
  /// `text`, given as a place of memory, isn't one, and why.
  case badPlace(text: String, reason: String)
  /// Two of the places that were given overlap.
  case overlappingPlaces(String, String)
}

extension MachineSearchError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noVariables: "the dump doesn't hold the variables of QEMU's program"
    case .noMemory:
      "no guest memory was found; --ram ADDR:SIZE@GPA can tell where it is"
    case .ambiguous(let what, let candidates):
      "\(what) can't be told without help: --ram ADDR:SIZE@GPA settles it; candidates are "
        + candidates.joined(separator: "; ")
    case .badPlace(let text, let reason): "\(text) is no place of memory: \(reason)"
    case .overlappingPlaces(let first, let second): "\(first) and \(second) overlap"
    }
  }
}
