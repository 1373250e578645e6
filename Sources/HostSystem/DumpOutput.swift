/// Where a dump is written: a file, a pipe, or a wrapper that encodes what it is given.
///
/// Bytes that are never written are zeros.
public protocol DumpOutput: AnyObject {
  /// Writes `bytes` at `offset`, where nothing was written before. An output that can only be
  /// written from front to back throws if `offset` lies before what was written last.
  func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError)

  /// Says that the dump is `size` bytes long in all, no fewer than were written.
  func finish(size: UInt64) throws(HostError)
}

extension AtomicOutputFile: DumpOutput {
  public func finish(size: UInt64) throws(HostError) { try truncate(to: size) }
}
