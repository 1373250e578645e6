public import Bytes

/// Why something of a Linux guest couldn't be read.
public enum LinuxGuestError: Error, Hashable, Sendable, CustomStringConvertible {
  /// VMCOREINFO lacks a line, or one that nothing can be made of.
  case missing(key: String)
  case unreadable(what: String, MemoryFault)

  public var description: String {
    switch self {
    case .missing(let key): "VMCOREINFO tells no usable \(key)"
    case .unreadable(let what, let fault): "\(what): \(fault)"
    }
  }
}
