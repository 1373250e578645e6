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
    // Blocks of the file, not of the buffer: only those can become holes.
    try bytes.forEachDataRun(at: offset) { run throws(HostError) in
      try write(bytes.extracting(run), at: offset + UInt64(run.lowerBound))
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
