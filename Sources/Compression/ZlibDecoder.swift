internal import CCompression

/// gzip members or a single zlib stream, through zlib.
@safe
final class ZlibDecoder: StreamDecoder {
  // Owned by this object alone; zlib keeps a pointer to it, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private let isGzip: Bool
  private var ended = false

  init(gzip: Bool) throws(CompressionError) {
    isGzip = gzip
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 15: the largest window, 32 KiB; 16 more: a gzip header and trailer.
    let code = unsafe inflateInit2_(
      stream, gzip ? 31 : 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      unsafe stream.deallocate()
      throw .unavailable(gzip ? .gzip : .zlib, detail: "inflateInit2 gives \(code)")
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  @unsafe
  func decode(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(DecoderFailure) -> DecoderStep {
    if ended {
      // A further member of a gzip file; anything else is the caller's to judge.
      guard isGzip, unsafe !input.isEmpty else {
        return DecoderStep(consumed: 0, produced: 0, isComplete: true)
      }
      unsafe inflateReset(stream)
      ended = false
    }
    let offered = UInt32(clamping: input.count)
    let room = UInt32(clamping: output.count)
    // Safe: zlib reads and writes within the counts given, and never writes to its input.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.bindMemory(to: UInt8.self).baseAddress)
    unsafe stream.pointee.avail_in = offered
    unsafe stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
    unsafe stream.pointee.avail_out = room
    let code = unsafe inflate(stream, Z_NO_FLUSH)
    switch code {
    case Z_STREAM_END: ended = true
    case Z_OK, Z_BUF_ERROR: break  // The latter: more input or room is needed.
    default:
      let message = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
      throw .corrupt(message ?? "inflate gives \(code)")
    }
    return unsafe DecoderStep(
      consumed: Int(offered - stream.pointee.avail_in),
      produced: Int(room - stream.pointee.avail_out), isComplete: ended)
  }
}
