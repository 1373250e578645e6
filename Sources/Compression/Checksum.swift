public import Bytes
internal import CCompression

/// The CRC-32 of `bytes` as in gzip files and `.gnu_debuglink` sections.
public func crc32Checksum(_ bytes: ByteView) -> UInt32 {
  var checksum: UInt = 0
  var offset: UInt64 = 0
  while offset < UInt64(bytes.count) {
    // zlib counts in 32 bits.
    let part = bytes.clampedSubview(at: offset, count: 1 << 30)
    // Safe: the pointer and its count are those of `part`, and aren't kept.
    checksum = unsafe part.withUnsafeBytes { buffer in
      unsafe crc32(checksum, buffer.bindMemory(to: UInt8.self).baseAddress, UInt32(buffer.count))
    }
    offset += UInt64(part.count)
  }
  return UInt32(truncatingIfNeeded: checksum)
}
