internal import CLinux
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

extension OutputDescriptor {
  /// Sets room aside for `range`, if that pays.
  ///
  /// ext4 books each block of a delayed allocation for itself (fs/ext4/inode.c,
  /// `ext4_da_get_block_prep`), which takes a third of the time of writing into the page cache; of
  /// blocks that are set aside it knows all at once. Other file systems book in larger units, or, as
  /// tmpfs does, fill with zeros what is set aside.
  func reserve(_ range: Range<UInt64>) -> Bool {
    guard varve_file_system(descriptor) == Int(VARVE_EXT4_MAGIC), range.upperBound <= off_t.max
    else { return false }
    // That it fails, as on a disk that is almost full, is no error: what is really written decides.
    return fallocate(
      descriptor, Int32(VARVE_FALLOC_KEEP_SIZE), off_t(range.lowerBound), off_t(range.count)) == 0
  }

  /// Makes a hole of `range`. The file may become longer by that.
  func giveBack(_ range: Range<UInt64>) throws(HostError) {
    guard !range.isEmpty, range.upperBound <= off_t.max else { return }
    // What lies behind a file's end isn't freed, though the call succeeds (fs/ext4/inode.c,
    // `ext4_punch_hole`).
    if try fileSize(descriptor, path) < range.upperBound { try truncate(to: range.upperBound) }
    _ = try systemCall("fallocate", path) {
      fallocate(
        descriptor, Int32(VARVE_FALLOC_KEEP_SIZE | VARVE_FALLOC_PUNCH_HOLE),
        off_t(range.lowerBound), off_t(range.count))
    }
  }
}
