public import Bytes

/// Why a value can't be read or printed. The descriptions are gdb's own messages where it has one,
/// as they appear in its output: `<error reading variable x (Cannot access memory at address 0x0)>`.
public enum ValueError: Error, Hashable, Sendable {
  /// Memory that the value or its location needs isn't there.
  case memory(MemoryFault)
  /// The value has this many bytes, which is more than may be read.
  case tooLarge(bytes: UInt64, limit: UInt64)
  /// The type is damaged, or nests deeper than any real one.
  case symbol(SymbolError)
  /// The location's expression can't be evaluated, for the reason given.
  case location(String)
}

extension ValueError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .memory(let fault): "Cannot access memory at address \(fault.address)"
    case .tooLarge(let bytes, _):
      "value requires \(bytes) bytes, which is more than max-value-size"
    case .symbol(let error): error.description
    case .location(let reason): reason
    }
  }
}
