public import Bytes

/// Why a target couldn't do what a client asked for.
public enum RemoteError: Error, Hashable, Sendable {
  /// The byte at `address` can't be read or written.
  case memory(VirtualAddress, reason: String)
  /// There is no such thread.
  case noThread(ThreadID)
  /// Not this: the client is told why.
  case refused(String)
  /// Nothing will work any more: the connection ends.
  case lost(String)
}

extension RemoteError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .memory(let address, let reason): "\(address): \(reason)"
    case .noThread(let thread): "there is no thread \(thread.rawValue)"
    case .refused(let reason), .lost(let reason): reason
    }
  }
}
