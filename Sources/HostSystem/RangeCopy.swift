internal import CLinux
internal import Glibc
internal import SystemPackage

/// Copies a range of one file into another by the cheapest means that works: sharing blocks
/// (reflink), copying inside the kernel, reading and writing.
struct RangeCopy {
  let source: OpenFile
  let target: OutputDescriptor

  /// Blocks are shared in units of the file system's block size, which is this at most on Linux.
  private static let block: UInt64 = 4096

  /// Copies the data in `range` to `offset`. Holes of the source are passed over, so the target's
  /// place must not have been written before. Throws `.unexpectedEnd` if the source is shorter.
  func copy(_ range: Range<UInt64>, to offset: UInt64) throws(HostError) {
    let count = range.upperBound - range.lowerBound
    let end = offset.addingClamped(count)
    guard end <= UInt64(off_t.max), range.upperBound <= UInt64(off_t.max) else {
      throw .offsetOutOfRange(path: target.path, offset: offset)
    }
    guard try source.size() >= range.upperBound else {
      throw .unexpectedEnd(path: source.path, offset: range.upperBound)
    }
    let shared = share(range, at: offset)
    if shared == count { return }
    let rest = range.lowerBound + shared..<range.upperBound
    for data in try source.dataRanges(in: rest) {
      try copyData(data, to: offset + (data.lowerBound - range.lowerBound))
    }
  }

  /// Shares whole blocks from the range's start; gives how many bytes that covered. 0 if the file
  /// systems can't do it or the offsets aren't aligned alike.
  private func share(_ range: Range<UInt64>, at offset: UInt64) -> UInt64 {
    let count = (range.upperBound - range.lowerBound) / Self.block * Self.block
    guard count > 0, range.lowerBound % Self.block == 0, offset % Self.block == 0 else {
      return 0
    }
    var request = varve_file_clone_range(
      src_fd: Int64(source.descriptor), src_offset: range.lowerBound, src_length: count,
      dest_offset: offset)
    do throws(HostError) {
      // Safe: `request` outlives the call.
      _ = try systemCall("ioctl FICLONERANGE", target.path) {
        unsafe ioctl(target.descriptor, UInt(VARVE_FICLONERANGE), &request)
      }
      return count
    } catch {
      return 0  // Not an error: most file systems can't, and copying follows.
    }
  }

  private func copyData(_ range: Range<UInt64>, to offset: UInt64) throws(HostError) {
    var done: UInt64 = 0
    let count = range.upperBound - range.lowerBound
    while done < count {
      let step = copyInKernel(
        from: range.lowerBound + done, to: offset + done, count: count - done)
      if step == 0 { break }
      done += step
    }
    if done < count {
      try copyThroughBuffer(range.lowerBound + done..<range.upperBound, to: offset + done)
    }
  }

  /// copy_file_range(2); 0 if it can't be used here, as between some file systems.
  private func copyInKernel(from start: UInt64, to offset: UInt64, count: UInt64) -> UInt64 {
    var input = off_t(start)
    var output = off_t(offset)
    // The kernel itself stops at 2 GiB less a page; smaller steps let signals through.
    let step = Int(min(count, 1 << 30))
    do throws(HostError) {
      // Safe: both offsets outlive the call.
      let copied = try systemCall("copy_file_range", target.path) {
        unsafe copy_file_range(source.descriptor, &input, target.descriptor, &output, step, 0)
      }
      return UInt64(copied)
    } catch {
      return 0  // Not an error: reading and writing follow, and report one that persists.
    }
  }

  private func copyThroughBuffer(_ range: Range<UInt64>, to offset: UInt64) throws(HostError) {
    var next = range.lowerBound
    try PositionedReader(source).scan(range) { position, bytes throws(HostError) in
      try target.write(bytes, at: offset + (position.rawValue - range.lowerBound))
      next = position.rawValue + UInt64(bytes.byteCount)
      return true
    }
    if next < range.upperBound { throw .unexpectedEnd(path: source.path, offset: next) }
  }
}
