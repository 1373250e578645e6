public import Bytes

/// The log of kernels up to 5.9: records of different lengths, one behind the other.
///
///     log_buf                                       log_buf + log_buf_len
///     ├─ newest ─┤ free ├─ oldest ─┬─ … ─┬─ len 0 ┤
///                ↑      ↑
///     log_next_idx      log_first_idx
///
///     record:  ts_nsec, len, text_len, dict_len, facility, flags and level [, caller_id]
///              text (text_len bytes), dictionary (dict_len bytes: KEY=VALUE, separated by NULs)
///
/// `len` counts all of a record; 0 says that the next one is at the buffer's start (`log_next()`,
/// kernel/printk/printk.c).
public struct PrintkBuffer<Source: Memory>: Sendable {
  let layout: PrintkBufferLayout
  let memory: Source
  let place: PrintkBufferPlace

  /// The largest that kernels make (`LOG_BUF_LEN_MAX`).
  private static var sizeLimit: UInt64 { 1 << 31 }

  public init(
    _ layout: PrintkBufferLayout, at place: PrintkBufferPlace, in memory: Source
  ) throws(KernelLogError) {
    self.layout = layout
    self.memory = memory
    self.place = place
    guard place.size > 0, place.size <= Self.sizeLimit else {
      throw .implausible(what: "log_buf_len", value: place.size, address: place.address)
    }
    guard place.first < place.size else {
      throw .implausible(what: "log_first_idx", value: place.first, address: place.address)
    }
    guard place.next < place.size else {
      throw .implausible(what: "log_next_idx", value: place.next, address: place.address)
    }
  }

  /// All that can be read of the log. Behind a damaged record it goes on where one begins that
  /// makes sense.
  public func log() -> KernelLog {
    var reader = PrintkBufferReader(buffer: self)
    reader.read()
    return reader.log
  }
}

/// The variables that tell where the records of a kernel up to 5.9 are.
public struct PrintkBufferPlace: Hashable, Sendable {
  /// `log_buf`, `log_buf_len`.
  public let address: VirtualAddress
  public let size: UInt64
  /// `log_first_idx`, `log_next_idx`: the oldest record, and where the next one will be.
  public let first: UInt64
  public let next: UInt64
  /// `log_first_seq`: the number of the oldest record; nil if it isn't known.
  public let firstSequence: UInt64?

  public init(
    address: VirtualAddress, size: UInt64, first: UInt64, next: UInt64, firstSequence: UInt64?
  ) {
    self.address = address
    self.size = size
    self.first = first
    self.next = next
    self.firstSequence = firstSequence
  }
}
