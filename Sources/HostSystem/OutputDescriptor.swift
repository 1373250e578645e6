internal import Glibc

/// Writing at positions: what output files and temporary files have in common.
struct OutputDescriptor: Sendable {
  let descriptor: Int32
  let path: String

  /// Writes all of `bytes` at `offset`.
  func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    let end = offset.addingClamped(UInt64(bytes.byteCount))
    guard end <= UInt64(off_t.max) else { throw .offsetOutOfRange(path: path, offset: offset) }
    // Safe: the pointer isn't kept beyond the closure.
    try unsafe bytes.withUnsafeBytes { buffer throws(HostError) in
      var done = 0
      while done < buffer.count {
        // Safe: source and length lie within `buffer`.
        done += try systemCall("pwrite", path) {
          unsafe pwrite(
            descriptor, buffer.baseAddress! + done, buffer.count - done,
            off_t(offset) + off_t(done))
        }
      }
    }
  }

  /// Writes `bytes` at `offset` except for whole blocks of zeros, which stay holes. The place must
  /// not have been written before.
  func writeSparsely(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    let block = 4096
    var start = 0
    while start < bytes.byteCount {
      var end = start
      // Blocks of the file, not of the buffer: only those can become holes.
      while end < bytes.byteCount {
        let next = min(
          end + block - Int((offset &+ UInt64(end)) % UInt64(block)), bytes.byteCount)
        if bytes.isZero(in: end..<next) { break }
        end = next
      }
      if end > start {
        try write(bytes.extracting(start..<end), at: offset + UInt64(start))
      }
      start = end
      while start < bytes.byteCount {
        let next = min(
          start + block - Int((offset &+ UInt64(start)) % UInt64(block)), bytes.byteCount)
        if !bytes.isZero(in: start..<next) { break }
        start = next
      }
    }
  }

  /// Makes the file `size` bytes long; what is added is a hole.
  func truncate(to size: UInt64) throws(HostError) {
    guard let length = off_t(exactly: size) else {
      throw .offsetOutOfRange(path: path, offset: size)
    }
    _ = try systemCall("ftruncate", path) { ftruncate(descriptor, length) }
  }
}

extension RawSpan {
  /// Whether every byte of `range`, which must lie in the span, is zero.
  func isZero(in range: Range<Int>) -> Bool {
    let part = extracting(range)
    // Safe: compared within its own length only.
    return unsafe part.withUnsafeBytes { buffer in
      guard let first = unsafe buffer.first else { return true }
      // A first byte of zero and each byte equal to the one before: memcmp is the fastest loop.
      return unsafe first == 0
        && (buffer.count == 1
          || memcmp(buffer.baseAddress!, buffer.baseAddress! + 1, buffer.count - 1) == 0)
    }
  }
}
