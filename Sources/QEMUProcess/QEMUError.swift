public import Bytes
public import Symbols

/// Why a structure of QEMU's couldn't be read.
public enum QEMUError: Error, Hashable, Sendable {
  /// The process's memory doesn't hold it.
  case memory(MemoryFault)
  /// The debug information is damaged, or doesn't describe it as expected.
  case symbols(SymbolError)
  /// The program has no variable of this name.
  case noVariable(String)
  /// What lies at `address` isn't of a kind that `wanted` can be had from.
  case wrongType(wanted: String, address: VirtualAddress)
}

extension QEMUError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .memory(let fault): "\(fault)"
    case .symbols(let error): "\(error)"
    case .noVariable(let name): "there is no variable \(name)"
    case .wrongType(let wanted, let address): "no \(wanted) at \(address)"
    }
  }
}
