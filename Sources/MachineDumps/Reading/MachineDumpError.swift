public import HostSystem
public import ObjectFiles

/// Why a file gives no machine.
public enum MachineDumpError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The system refused to open or read it.
  case host(HostError)
  /// It is an ELF file, but its headers are beyond use.
  case elf(path: String, ObjectError)
  /// It is the core of a process, or no core at all.
  case notAMachine(path: String)
  /// No format that is known begins as this file does.
  case unknownFormat(path: String)
  /// The container can't be read: which of its headers is wrong.
  case container(path: String, reason: String)
  /// It holds, or tells of, no memory.
  case noMemory(path: String)
  /// The dump is of a machine that Varve doesn't know.
  case unsupportedArchitecture(path: String, String)
  /// `text` doesn't say which part of which file lies where.
  case badRawMemory(text: String, reason: String)
  /// Two files of raw memory claim the same physical address.
  case overlappingRawMemory(first: String, second: String, address: String)

  public var description: String {
    switch self {
    case .host(let error): error.description
    case .elf(let path, let error): "\(path): \(error)"
    case .notAMachine(let path): "\(path): is no dump of a machine's memory"
    case .unknownFormat(let path):
      "\(path): is in no format of machine dumps that is known; raw memory is named with its"
        + " address, \(path)@0"
    case .container(let path, let reason): "\(path): \(reason)"
    case .noMemory(let path): "\(path): holds no memory"
    case .unsupportedArchitecture(let path, let name):
      "\(path): dumps of \(name) machines can't be read"
    case .badRawMemory(let text, let reason): "\(text): \(reason)"
    case .overlappingRawMemory(let first, let second, let address):
      "\(first) and \(second) both claim physical address \(address)"
    }
  }
}
