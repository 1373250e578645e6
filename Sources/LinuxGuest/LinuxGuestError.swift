public import Bytes

/// Why something of a Linux guest couldn't be read.
public enum LinuxGuestError: Error, Hashable, Sendable, CustomStringConvertible {
  /// VMCOREINFO lacks a line, or one that nothing can be made of.
  case missing(key: String)
  case unreadable(what: String, MemoryFault)
  /// No way leads to a kernel: what each came to, a line each.
  case noKernel([String])

  public var description: String {
    switch self {
    case .missing(let key): "VMCOREINFO tells no usable \(key)"
    case .unreadable(let what, let fault): "\(what): \(fault)"
    case .noKernel(let attempts):
      "no Linux kernel was found in the guest's memory: " + attempts.joined(separator: "; ")
    }
  }
}
