public import Bytes
public import Targets

/// Why a kernel's log couldn't be read at all.
public enum KernelLogError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kernel has none of the variables by which a log is found.
  case noLog
  /// The types don't describe the log as expected.
  case types(StructureError)
  /// VMCOREINFO, asked where types are missing, lacks the line too.
  case missing(key: String)
  /// A structure is described as larger than any kernel's, or a member beyond its end.
  case layout(what: String, value: UInt64)
  case memory(what: String, MemoryFault)
  /// What lies at `address` can't be `what`.
  case implausible(what: String, value: UInt64, address: VirtualAddress)

  public var description: String {
    switch self {
    case .noLog: "the kernel has neither the symbol prb nor log_buf"
    case .types(let error): "the log's layout: \(error)"
    case .missing(let key): "the log's layout: no types, and VMCOREINFO has no \(key)"
    case .layout(let what, let value): "the log's layout: \(value) can't be \(what)"
    case .memory(let what, let fault): "\(what): \(fault)"
    case .implausible(let what, let value, let address):
      "\(value) at \(address) can't be \(what)"
    }
  }
}
