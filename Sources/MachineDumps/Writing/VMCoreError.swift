public import Bytes
public import HostSystem
public import ObjectFiles
public import Targets

/// Why a machine's memory couldn't be written.
public enum VMCoreError: Error, Hashable, Sendable {
  /// The output can't be written, or an input can't be read.
  case host(HostError)
  /// The dump can't be laid out.
  case layout(ObjectError)
  /// There is no memory to write: none in `range` if one was given.
  case nothingToWrite(range: Range<PhysicalAddress>?)
  /// The format can't tell absent memory from zeros, and of what is wanted `total` bytes are
  /// absent. The first of them are `count` bytes at `first`, for `reason`.
  case absentMemory(
    first: PhysicalAddress, count: UInt64, reason: MemoryFault.Reason, total: UInt64)
  /// Memory that was there when the dump was laid out was gone when it came to be written.
  case vanished(PhysicalFault)
  /// There are so many separate ranges of memory that the format has no room for them.
  case tooFragmented(ranges: UInt64, limit: UInt64)
  /// A page couldn't be packed: what the compressor says.
  case compression(String)
}

extension VMCoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .host(let error): "\(error)"
    case .layout(let error): "the dump can't be laid out: \(error)"
    case .nothingToWrite(nil): "there is no memory to write"
    case .nothingToWrite(let range?):
      "there is no memory from \(range.lowerBound) to \(range.upperBound)"
    case .absentMemory(let first, let count, _, let total):
      "\(total) bytes of memory are absent, first \(count) bytes at physical address \(first); "
        + "this format can't tell them from zeros"
    case .vanished(let fault): "while it was being written: \(fault)"
    case .tooFragmented(let ranges, let limit):
      "memory is in \(ranges) separate ranges, more than the \(limit) that can be written"
    case .compression(let message): "a page couldn't be packed: \(message)"
    }
  }
}

/// Runs `body`, whose errors are of the host.
func hosted<Result>(_ body: () throws(HostError) -> Result) throws(VMCoreError) -> Result {
  do throws(HostError) {
    return try body()
  } catch {
    throw .host(error)
  }
}
