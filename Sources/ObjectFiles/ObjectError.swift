public import Bytes

/// Why a file or image can't be used at all. Damage that leaves something readable becomes a
/// diagnostic instead.
public enum ObjectError: Error, Hashable, Sendable {
  /// The first four bytes aren't `7f 45 4c 46`.
  case notELF(found: [UInt8])
  /// An ELF file of a kind that isn't read: `reason` names its class, byte order or version.
  case unsupported(reason: String)
  /// A core file was wanted; this is another kind of ELF file.
  case notCore(type: ELFType)
  /// `what` lies at `offset` in the file but isn't whole or isn't valid.
  case damaged(what: String, offset: FileOffset, cause: ByteError)
  /// `what` couldn't be read from memory.
  case memory(what: String, fault: MemoryFault)
  /// `what` holds `value`, more than the `limit` that any sound file stays within.
  case limit(what: String, value: UInt64, limit: UInt64)
  /// `what` at `offset` has an impossible value.
  case invalid(what: String, offset: FileOffset, value: UInt64)
}

extension ObjectError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notELF(let found):
      found.isEmpty
        ? "empty, not an ELF file"
        : "not an ELF file: begins with \(found.map { hex($0) }.joined(separator: " "))"
    case .unsupported(let reason): "unsupported ELF file: \(reason)"
    case .notCore(let type): "not a core file: its ELF type is \(type)"
    case .damaged(let what, let offset, let cause): "\(what) at offset \(offset): \(cause)"
    case .memory(let what, let fault): "\(what): \(fault)"
    case .limit(let what, let value, let limit): "\(what) is \(value), more than \(limit)"
    case .invalid(let what, let offset, let value):
      "\(what) at offset \(offset) is \(hex(value)), which cannot be"
    }
  }
}

/// Damage that was met while the rest of a file was read.
public struct ELFDiagnostic: Hashable, Sendable, CustomStringConvertible {
  /// Where in the file the damaged thing begins.
  public let offset: FileOffset
  /// What is wrong, and what was done about it.
  public let message: String

  public init(offset: FileOffset, message: String) {
    self.offset = offset
    self.message = message
  }

  public var description: String { "at offset \(offset): \(message)" }
}

/// Damage in a core file.
public typealias CoreDiagnostic = ELFDiagnostic
