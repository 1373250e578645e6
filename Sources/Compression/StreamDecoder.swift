/// What one call of a decoder did.
struct DecoderStep {
  /// How many packed bytes were taken.
  var consumed: Int
  /// How many unpacked bytes were made.
  var produced: Int
  /// Whether the packed bytes may end here: everything begun is complete and all of it is out.
  var isComplete: Bool
}

/// Why a decoder stopped; the caller knows where.
enum DecoderFailure: Error {
  case corrupt(String)
  case memoryLimit
}

/// One of the C libraries' streaming decoders.
protocol StreamDecoder: AnyObject {
  /// Unpacks some of `input` into `output`. `isLast` tells that no input follows this. Called again
  /// after completion, it begins the next frame, member or stream.
  @unsafe
  func decode(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(DecoderFailure) -> DecoderStep
}
