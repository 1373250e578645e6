internal import CCompression

/// xz streams, through liblzma.
@safe
final class XzDecoder: StreamDecoder {
  // Owned by this object alone; liblzma keeps pointers into it, so it must not move.
  private let stream: UnsafeMutablePointer<lzma_stream>
  private var ended = false

  /// `LZMA_CONCATENATED` (lzma/container.h), a macro that Swift can't import.
  private static let concatenated: UInt32 = 0x08

  init(memoryLimit: UInt64) throws(CompressionError) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: lzma_stream())  // All zeros: LZMA_STREAM_INIT.
    let code = unsafe lzma_stream_decoder(stream, memoryLimit, Self.concatenated)
    guard code == LZMA_OK else {
      unsafe stream.deallocate()
      throw .unavailable(.xz, detail: "lzma_stream_decoder gives \(code.rawValue)")
    }
  }

  deinit {
    unsafe lzma_end(stream)
    unsafe stream.deallocate()
  }

  @unsafe
  func decode(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(DecoderFailure) -> DecoderStep {
    if ended { return DecoderStep(consumed: 0, produced: 0, isComplete: true) }
    // Safe: liblzma reads and writes within the counts given.
    unsafe stream.pointee.next_in = input.bindMemory(to: UInt8.self).baseAddress
    unsafe stream.pointee.avail_in = input.count
    unsafe stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
    unsafe stream.pointee.avail_out = output.count
    // With concatenated streams only LZMA_FINISH tells that the last one has come.
    let code = unsafe lzma_code(stream, isLast ? LZMA_FINISH : LZMA_RUN)
    switch code {
    case LZMA_STREAM_END: ended = true
    case LZMA_OK, LZMA_BUF_ERROR, LZMA_UNSUPPORTED_CHECK, LZMA_NO_CHECK, LZMA_GET_CHECK: break
    case LZMA_MEMLIMIT_ERROR, LZMA_MEM_ERROR: throw .memoryLimit
    case LZMA_FORMAT_ERROR: throw .corrupt("not the start of a stream")
    case LZMA_OPTIONS_ERROR: throw .corrupt("options that this version of liblzma doesn't know")
    default: throw .corrupt("invalid data")
    }
    return unsafe DecoderStep(
      consumed: input.count - stream.pointee.avail_in,
      produced: output.count - stream.pointee.avail_out, isComplete: ended)
  }
}
