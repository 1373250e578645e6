/// Where a dump is written: a file, a pipe, or a wrapper that encodes what it is given.
///
/// Bytes that are never written are zeros.
public protocol DumpOutput: AnyObject {
  /// Writes `bytes` at `offset`, where nothing was written before. An output that can only be
  /// written from front to back throws if `offset` lies before what was written last.
  func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError)

  /// Says that the dump is `size` bytes long in all, no fewer than were written.
  func finish(size: UInt64) throws(HostError)

  /// Says that most of `range`, where nothing was written before, is about to be written. Gives whether
  /// room was set aside for all of it: what of it isn't written then has to be given back.
  func reserve(_ range: Range<UInt64>) -> Bool

  /// Gives back the room for `range`, which was set aside and isn't written: it is a hole again.
  func giveBack(_ range: Range<UInt64>) throws(HostError)

  /// A way to write parts in any order from several threads at once; nil if the output can't be
  /// written so. It must not be used after `finish`, which alone says how long the dump is.
  var concurrentWriter: PositionedWriter? { get }
}

extension DumpOutput {
  public func reserve(_ range: Range<UInt64>) -> Bool { false }
  public func giveBack(_ range: Range<UInt64>) throws(HostError) {}
  public var concurrentWriter: PositionedWriter? { nil }
}

/// Writes at positions of a file that someone else owns and keeps open meanwhile.
public struct PositionedWriter: Sendable {
  let output: OutputDescriptor

  /// Writes `bytes` at `offset`.
  public func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    try output.write(bytes, at: offset)
  }
}

extension AtomicOutputFile: DumpOutput {
  public func finish(size: UInt64) throws(HostError) { try truncate(to: size) }

  public func reserve(_ range: Range<UInt64>) -> Bool { output.reserve(range) }

  public func giveBack(_ range: Range<UInt64>) throws(HostError) { try output.giveBack(range) }

  public var concurrentWriter: PositionedWriter? { PositionedWriter(output: output) }
}
