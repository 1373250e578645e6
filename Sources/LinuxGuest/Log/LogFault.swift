internal import Bytes

/// What is wrong with one record of a log.
enum LogFault: Error, CustomStringConvertible {
  case memory(MemoryFault)
  case bytes(ByteError)
  /// A record's number that no record at its place can have.
  case sequence(UInt64)
  /// Positions that no block of text can have.
  case block(begin: UInt64, next: UInt64)
  /// The text is another record's.
  case owner(UInt64)
  /// All texts together are longer than the ring that they are in.
  case overlap
  /// A record of `log_buf` with a length that can't be.
  case length(UInt64)

  var description: String {
    switch self {
    case .memory(let fault): "\(fault)"
    case .bytes(let error): "\(error)"
    case .sequence(let number): "at its place no record has the number \(number)"
    case .block(let begin, let next):
      "no text lies from 0x\(String(begin, radix: 16)) to 0x\(String(next, radix: 16))"
    case .owner(let id): "its text is that of the record with id \(id)"
    case .overlap: "it shares its text with others"
    case .length(let length): "its length can't be \(length)"
    }
  }

  static func catching<Result>(
    _ body: () throws(ByteError) -> Result
  ) throws(LogFault) -> Result {
    do throws(ByteError) { return try body() } catch { throw .bytes(error) }
  }

  static func reading<Result>(
    _ body: () throws(MemoryFault) -> Result
  ) throws(LogFault) -> Result {
    do throws(MemoryFault) { return try body() } catch { throw .memory(error) }
  }
}

/// The last page that turned out to be missing, so that not each of the elements in it is tried.
struct MissingPage {
  private var page: UInt64?
  private var reason = MemoryFault.Reason.unmapped

  mutating func note(_ fault: MemoryFault) {
    (page, reason) = (fault.address.rawValue >> 12, fault.reason)
  }

  func fault(at address: VirtualAddress) -> MemoryFault? {
    page == address.rawValue >> 12 ? MemoryFault(address: address, reason: reason) : nil
  }
}
