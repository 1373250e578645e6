public import Bytes
public import Symbols

/// Why a structure of a program's couldn't be read out of its memory.
public enum StructureError: Error, Hashable, Sendable {
  /// The memory doesn't hold it.
  case memory(MemoryFault)
  /// The debug information is damaged, or doesn't describe it as expected.
  case symbols(SymbolError)
  /// The program has no variable of this name.
  case noVariable(String)
  /// The program has no type of this name.
  case noType(String)
  /// What lies at `address` isn't of a kind that `wanted` can be had from.
  case wrongType(wanted: String, address: VirtualAddress)
}

extension StructureError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .memory(let fault): "\(fault)"
    case .symbols(let error): "\(error)"
    case .noVariable(let name): "there is no variable \(name)"
    case .noType(let name): "there is no type \(name)"
    case .wrongType(let wanted, let address): "no \(wanted) at \(address)"
    }
  }
}
