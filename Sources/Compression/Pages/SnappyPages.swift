internal import CCompression

/// Snappy's C interface, which has no context to keep.
@safe
final class SnappyPageEncoder: PageEncoder {
  func bound(_ count: Int) -> Int { snappy_max_compressed_length(count) }

  @unsafe
  func pack(
    _ page: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int? {
    var size = room.count
    // Safe: the library is told both sizes, and keeps no pointer.
    let status = unsafe snappy_compress(
      page.bindMemory(to: CChar.self).baseAddress, page.count,
      room.bindMemory(to: CChar.self).baseAddress, &size)
    guard status == SNAPPY_OK else {
      throw .library(.snappy, detail: "snappy_compress gives \(status.rawValue)")
    }
    return size < page.count ? size : nil
  }
}

/// Snappy's unpacking.
@safe
final class SnappyPageDecoder: PageDecoder {
  @unsafe
  func unpack(
    _ packed: UnsafeRawBufferPointer, into page: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int {
    var size = page.count
    // Safe: the library compares the size that the data announces with the one given, and reads
    // no further than `packed` is long.
    let status = unsafe snappy_uncompress(
      packed.bindMemory(to: CChar.self).baseAddress, packed.count,
      page.bindMemory(to: CChar.self).baseAddress, &size)
    switch status {
    case SNAPPY_OK: return size
    case SNAPPY_BUFFER_TOO_SMALL: throw .corrupt(.snappy, detail: "more than a page comes out")
    default: throw .corrupt(.snappy, detail: "invalid data")
    }
  }
}
