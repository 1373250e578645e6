public import Bytes
internal import CLinux
internal import Glibc

extension OpenFile {
  /// Reads up to `count` bytes at `offset`: fewer where the file ends or stops being readable, as
  /// `/proc/PID/mem` does between mappings. Throws only if not even the first byte can be read; none
  /// at all means the end of the file.
  public func bytes(at offset: UInt64, count: Int) throws(HostError) -> ByteView {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
    var filled = 0
    do throws(HostError) {
      while filled < count {
        guard let position = off_t(exactly: offset.addingClamped(UInt64(filled))) else {
          throw .offsetOutOfRange(path: path, offset: offset)
        }
        // Safe: destination and length lie within `buffer`.
        let read = try systemCall("pread", path) {
          unsafe pread(descriptor, buffer.baseAddress! + filled, count - filled, position)
        }
        if read == 0 { break }
        filled += read
      }
    } catch {
      if filled == 0 {
        unsafe buffer.deallocate()
        throw error
      }
    }
    // Safe: the bytes are initialised as far as they are shown, nobody else knows the buffer, and the
    // storage frees it.
    let storage = unsafe ByteStorage(adopting: UnsafeRawBufferPointer(buffer)) {
      unsafe $0.deallocate()
    }
    return ByteView(storage).clampedSubview(at: 0, count: UInt64(filled))
  }

  /// Reads all of a file that doesn't tell its size, as those of `/proc` don't. Throws
  /// `.tooLarge` beyond `limit` bytes.
  public func contents(limit: Int = 64 << 20) throws(HostError) -> ByteView {
    var bytes: [UInt8] = []
    while true {
      let part = try self.bytes(at: UInt64(bytes.count), count: 64 << 10)
      if part.isEmpty { return ByteView(copying: bytes) }
      bytes.append(contentsOf: part.copy())
      if bytes.count > limit { throw .tooLarge(path: path, size: Int64(bytes.count)) }
    }
  }
}

extension OpenFile {
  /// Where the first data in `range` lies; nil if all of it is a hole.
  public func firstData(in range: Range<UInt64>) throws(HostError) -> UInt64? {
    guard let start = try seek(VARVE_SEEK_DATA, from: range.lowerBound), start < range.upperBound
    else { return nil }
    return start
  }
}
