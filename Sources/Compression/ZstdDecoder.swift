internal import CCompression

/// zstd frames, through libzstd.
@safe
final class ZstdDecoder: StreamDecoder {
  // Owned by this object alone.
  private let context: OpaquePointer

  init(memoryLimit: UInt64) throws(CompressionError) {
    guard let context = unsafe ZSTD_createDCtx() else {
      throw .unavailable(.zstd, detail: "no memory for a decoder")
    }
    unsafe self.context = context
    // The window is what takes memory. From 10 to 31 is what the library accepts.
    let log = Int32(63 - max(1, memoryLimit).leadingZeroBitCount)
    unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, min(max(log, 10), 31))
  }

  deinit {
    unsafe ZSTD_freeDCtx(context)
  }

  @unsafe
  func decode(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(DecoderFailure) -> DecoderStep {
    var from = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var to = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    // Safe: the library reads and writes within the sizes given.
    let result = unsafe ZSTD_decompressStream(context, &to, &from)
    if ZSTD_isError(result) != 0 {
      if ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge {
        throw .memoryLimit
      }
      throw .corrupt(unsafe String(cString: ZSTD_getErrorName(result)))
    }
    return unsafe DecoderStep(consumed: from.pos, produced: to.pos, isComplete: result == 0)
  }
}
