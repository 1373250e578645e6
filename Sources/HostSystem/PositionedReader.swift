public import Bytes
internal import Glibc

/// Reads a file window by window into one buffer that is used again and again, so that a scan of
/// any size holds no more memory than that buffer. (A scan through a mapping counts every page it
/// touches as resident.)
@safe
public final class PositionedReader {
  /// What is read.
  public let file: OpenFile
  /// The largest number of bytes that one window shows.
  public let windowSize: Int

  private let buffer: UnsafeMutableRawBufferPointer

  /// `windowSize` is in bytes, rounded up to whole pages.
  public init(_ file: OpenFile, windowSize: Int = 1 << 20) {
    self.file = file
    let pages = (max(1, windowSize) - 1) / Host.pageSize + 1
    self.windowSize = pages * Host.pageSize
    unsafe buffer = .allocate(byteCount: self.windowSize, alignment: Host.pageSize)
  }

  deinit {
    unsafe buffer.deallocate()
  }

  /// Reads up to `count` bytes (no more than `windowSize`) at `offset` and shows them to `body`;
  /// fewer where the file ends.
  public func withWindow<Result>(
    at offset: UInt64, count: Int, _ body: (RawSpan) throws(HostError) -> Result
  ) throws(HostError) -> Result {
    let wanted = min(max(0, count), windowSize)
    // Safe: the destination is within the buffer that this object owns.
    let filled = try unsafe file.read(
      into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
    // Safe: `body` can't keep the span, and the buffer isn't written while it runs.
    let bytes = unsafe RawSpan(
      _unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
    return try body(bytes)
  }

  /// Shows all of `range` to `body` in windows, from front to back, until `body` returns false.
  /// Each window but the first begins with the last `overlap` bytes of the one before, so that
  /// nothing of up to `overlap + 1` bytes is missed at a border. Stops where the file ends.
  public func scan(
    _ range: Range<UInt64>, overlap: Int = 0,
    _ body: (_ offset: FileOffset, _ bytes: RawSpan) throws(HostError) -> Bool
  ) throws(HostError) {
    precondition(overlap >= 0 && overlap < windowSize, "windows must get ahead")
    var start = range.lowerBound
    while start < range.upperBound {
      let count = Int(min(UInt64(windowSize), range.upperBound - start))
      let (goesOn, read) = try withWindow(at: start, count: count) { bytes throws(HostError) in
        bytes.byteCount == 0
          ? (false, 0) : (try body(FileOffset(start), bytes), bytes.byteCount)
      }
      guard goesOn, read == count, start + UInt64(count) < range.upperBound else { return }
      start += UInt64(count - overlap)
    }
  }
}

extension OpenFile {
  /// Fills `buffer` with the bytes at `offset`; gives how many there were before the end of the
  /// file.
  @unsafe
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(HostError) -> Int {
    var filled = 0
    while filled < buffer.count {
      guard let position = off_t(exactly: offset.addingClamped(UInt64(filled))) else {
        throw .offsetOutOfRange(path: path, offset: offset)
      }
      // Safe: destination and length lie within the caller's buffer.
      let count = try systemCall("pread", path) {
        unsafe pread(
          descriptor, buffer.baseAddress! + filled, buffer.count - filled, position)
      }
      if count == 0 { break }
      filled += count
    }
    return filled
  }
}

extension UInt64 {
  /// The sum, or the largest number if it is bigger.
  func addingClamped(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
