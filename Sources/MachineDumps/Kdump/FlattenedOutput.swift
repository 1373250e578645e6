import Bytes
public import HostSystem

/// Writes a dump to something that takes bytes from front to back only, in makedumpfile's flattened
/// format: what comes when, each part with its place. `makedumpfile -R` puts it into order; crash and
/// libkdumpfile (after 0.5.1) read it as it is. All numbers are big-endian (makedumpfile.h,
/// `makedumpfile_header` and `makedumpfile_data_header`).
///
///       0  "makedumpfile", padded with NULs to 16
///      16  type 1           8
///      24  version 1        8
///      32  zeros up to 4096
///
/// then any number of
///
///       0  offset           8
///       8  size             8
///      16  the bytes
///
/// and at the end an offset and a size of -1.
public final class FlattenedOutput: DumpOutput {
  private let sink: any DumpOutput
  /// How many bytes went to the sink.
  private var position: UInt64 = 0
  /// Behind the furthest byte of the dump.
  private var end: UInt64 = 0

  private static let headerSize = 4096

  /// Writes to `sink`, from its offset 0 on without gaps.
  public init(_ sink: any DumpOutput) { self.sink = sink }

  public func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    if bytes.isEmpty { return }
    if position == 0 { try writeHeader() }
    try append(Self.bigEndian(offset) + Self.bigEndian(UInt64(bytes.byteCount)))
    try sink.write(bytes, at: position)
    position += UInt64(bytes.byteCount)
    end = max(end, offset + UInt64(bytes.byteCount))
  }

  /// Says that the dump is complete. `size` is kept by a last byte of zero if nothing is written
  /// there.
  public func finish(size: UInt64) throws(HostError) {
    if position == 0 { try writeHeader() }
    if size > end {
      try append(Self.bigEndian(size - 1) + Self.bigEndian(1) + [0])
    }
    try append([UInt8](repeating: 0xff, count: 16))
    try sink.finish(size: position)
  }

  private func writeHeader() throws(HostError) {
    var header = Array("makedumpfile".utf8) + [0, 0, 0, 0]
    header += Self.bigEndian(1) + Self.bigEndian(1)
    header += repeatElement(0, count: Self.headerSize - header.count)
    try append(header)
  }

  private func append(_ bytes: [UInt8]) throws(HostError) {
    let view = ByteView(copying: bytes)
    try sink.write(view.bytes, at: position)
    position += UInt64(bytes.count)
  }

  private static func bigEndian(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
  }
}
