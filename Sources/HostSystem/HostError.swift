internal import Bytes
internal import Glibc
public import SystemPackage

/// What the operating system refused, and for which file.
public enum HostError: Error, Hashable, Sendable {
  /// The system call `call` on `path` failed with `code`.
  case system(call: String, path: String, code: Errno)
  /// `path` is a directory, pipe, socket or device; `kind` says which.
  case notRegularFile(path: String, kind: String)
  /// `path` is `size` bytes long, more than can be mapped.
  case tooLarge(path: String, size: Int64)
  /// `path` ended at `offset` although more bytes were wanted: it was cut while being read.
  case unexpectedEnd(path: String, offset: UInt64)
  /// The output `path` exists, and replacing it wasn't asked for.
  case outputExists(path: String)
  /// The output `path` is the very file that is being read.
  case outputIsInput(path: String)
  /// `offset` in `path` is beyond what a file can hold.
  case offsetOutOfRange(path: String, offset: UInt64)
  /// `path` is a terminal, where binary data does harm.
  case outputIsTerminal(path: String)
  /// `path` can only be written from front to back, but `offset` was to be written after all up to
  /// `position` had been.
  case outOfOrder(path: String, offset: UInt64, position: UInt64)
  /// Somebody else listens at `path`, or it is no socket.
  case addressInUse(path: String)
}

extension HostError: CustomStringConvertible {
  public var description: String { "\(path): \(reason)" }

  /// The file concerned.
  public var path: String {
    switch self {
    case .system(_, let path, _), .notRegularFile(let path, _), .tooLarge(let path, _),
      .unexpectedEnd(let path, _), .outputExists(let path), .outputIsInput(let path),
      .offsetOutOfRange(let path, _), .outputIsTerminal(let path), .outOfOrder(let path, _, _),
      .addressInUse(let path):
      path
    }
  }

  /// What is wrong, without the path.
  public var reason: String {
    switch self {
    case .system(let call, _, let code): "\(code.description) (\(call))"
    case .notRegularFile(_, let kind): "is a \(kind), not a regular file"
    case .tooLarge(_, let size): "\(size) bytes are too many to map"
    case .unexpectedEnd(_, let offset):
      "ended at offset \(hex(offset)) while it was being read"
    case .outputExists: "exists already"
    case .outputIsInput: "is also the input, which is never written"
    case .offsetOutOfRange(_, let offset): "offset \(hex(offset)) is beyond the largest file"
    case .outputIsTerminal: "is a terminal; redirect it into a file or a pipe"
    case .outOfOrder(_, let offset, let position):
      "can't go back from \(hex(position)) to \(hex(offset)): it is written from front to back"
    case .addressInUse: "is in use"
    }
  }

  /// Whether there simply is no such file.
  public var isAbsence: Bool {
    switch self {
    case .system(_, _, .noSuchFileOrDirectory), .system(_, _, .notDirectory): true
    default: false
    }
  }
}

extension HostError {
  /// What the call that has just failed left in `errno`.
  static func last(call: String, path: String) -> HostError {
    .system(call: call, path: path, code: Errno(rawValue: errno))
  }
}

/// Makes the system call `body`, again and again while a signal interrupts it, and throws what it
/// reports by returning -1. The one place that knows `EINTR`.
func systemCall<Result: FixedWidthInteger>(
  _ name: String, _ path: String, _ body: () -> Result
) throws(HostError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    let code = Errno(rawValue: errno)
    if code != .interrupted { throw .system(call: name, path: path, code: code) }
  }
}
