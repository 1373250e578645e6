internal import CCompression

/// LZ4 frames, through liblz4. A block is 4 MiB at most, so memory needs no limit.
@safe
final class LZ4Decoder: StreamDecoder {
  // Owned by this object alone.
  private let context: OpaquePointer

  init() throws(CompressionError) {
    var made: OpaquePointer?
    let code = unsafe LZ4F_createDecompressionContext(&made, UInt32(LZ4F_VERSION))
    guard LZ4F_isError(code) == 0, let made = unsafe made else {
      throw .unavailable(.lz4, detail: unsafe String(cString: LZ4F_getErrorName(code)))
    }
    unsafe context = made
  }

  deinit {
    unsafe LZ4F_freeDecompressionContext(context)
  }

  @unsafe
  func decode(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(DecoderFailure) -> DecoderStep {
    var consumed = input.count
    var produced = output.count
    // Safe: the library reads and writes within the sizes given, and puts what it used there.
    let result = unsafe LZ4F_decompress(
      context, output.baseAddress, &produced, input.baseAddress, &consumed, nil)
    if LZ4F_isError(result) != 0 {
      throw .corrupt(unsafe String(cString: LZ4F_getErrorName(result)))
    }
    return DecoderStep(consumed: consumed, produced: produced, isComplete: result == 0)
  }
}
