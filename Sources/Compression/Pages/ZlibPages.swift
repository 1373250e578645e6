internal import CCompression

/// A context of zlib's. It keeps a pointer to its `z_stream`, so that must not move.
@safe
final class ZlibPageEncoder: PageEncoder {
  // Owned by this object alone.
  private let stream: UnsafeMutablePointer<z_stream>

  /// A window of 8 KiB: a page of 4 KiB never looks back further, and more would be touched in vain.
  private static let windowBits: Int32 = 13
  /// zlib's own default: smaller tables pack worse and no faster.
  private static let memoryLevel: Int32 = 8

  init() throws(PageCompressionError) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let code = unsafe deflateInit2_(
      stream, Z_BEST_SPEED, Z_DEFLATED, Self.windowBits, Self.memoryLevel, Z_DEFAULT_STRATEGY,
      ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      unsafe stream.deallocate()
      throw .library(.zlib, detail: "deflateInit2 gives \(code)")
    }
  }

  deinit {
    unsafe deflateEnd(stream)
    unsafe stream.deallocate()
  }

  func bound(_ count: Int) -> Int { count }

  @unsafe
  func pack(
    _ page: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int? {
    guard unsafe deflateReset(stream) == Z_OK else {
      throw .library(.zlib, detail: "deflateReset fails")
    }
    // One byte less than the page: what doesn't fit doesn't shrink.
    let limit = UInt32(clamping: page.count - 1)
    // Safe: zlib reads and writes within the counts given, and never writes to its input.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: page.bindMemory(to: UInt8.self).baseAddress)
    unsafe stream.pointee.avail_in = UInt32(clamping: page.count)
    unsafe stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
    unsafe stream.pointee.avail_out = limit
    switch unsafe deflate(stream, Z_FINISH) {
    case Z_STREAM_END: return unsafe Int(limit - stream.pointee.avail_out)
    case Z_OK, Z_BUF_ERROR: return nil
    case let code: throw .library(.zlib, detail: "deflate gives \(code)")
    }
  }
}

/// A context of zlib's for unpacking.
@safe
final class ZlibPageDecoder: PageDecoder {
  // Owned by this object alone; zlib keeps a pointer to it, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>

  init() throws(PageCompressionError) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 15: any window that a writer may have used.
    let code = unsafe inflateInit2_(
      stream, 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      unsafe stream.deallocate()
      throw .library(.zlib, detail: "inflateInit2 gives \(code)")
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  @unsafe
  func unpack(
    _ packed: UnsafeRawBufferPointer, into page: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int {
    guard unsafe inflateReset(stream) == Z_OK else {
      throw .library(.zlib, detail: "inflateReset fails")
    }
    let room = UInt32(clamping: page.count)
    // Safe: zlib reads and writes within the counts given, and never writes to its input.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: packed.bindMemory(to: UInt8.self).baseAddress)
    unsafe stream.pointee.avail_in = UInt32(clamping: packed.count)
    unsafe stream.pointee.next_out = page.bindMemory(to: UInt8.self).baseAddress
    unsafe stream.pointee.avail_out = room
    let code = unsafe inflate(stream, Z_FINISH)
    guard code == Z_STREAM_END else {
      let message = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
      throw .corrupt(.zlib, detail: message ?? "inflate gives \(code)")
    }
    return unsafe Int(room - stream.pointee.avail_out)
  }
}
