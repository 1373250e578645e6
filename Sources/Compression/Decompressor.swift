public import Bytes

/// Unpacks a stream chunk by chunk.
///
/// What comes out before damage is met is good data: `advance()` gives all of it before it throws.
@safe
public final class Decompressor {
  /// The packed bytes.
  public let input: ByteView
  public let format: CompressionFormat
  /// How many packed bytes have been taken.
  public private(set) var inputOffset: UInt64 = 0
  /// How many bytes have come out, the current chunk included.
  public private(set) var outputCount: UInt64 = 0

  private let limits: DecompressionLimits
  private let decoder: any StreamDecoder
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0
  private var isComplete = false
  /// Thrown once the chunk before it has been given.
  private var failure: CompressionError?

  /// A megabyte: the decoders' own blocks are smaller, and calls are few.
  private static let chunkSize = 1 << 20
  /// How much a decoder is offered at once; zlib counts in 32 bits.
  private static let inputStep: UInt64 = 16 << 20

  /// Throws `.unavailable` if there isn't enough memory for a decoder.
  public init(
    _ input: ByteView, format: CompressionFormat, limits: DecompressionLimits = .file
  ) throws(CompressionError) {
    self.input = input
    self.format = format
    self.limits = limits
    decoder =
      switch format {
      case .gzip: try ZlibDecoder(gzip: true)
      case .zlib: try ZlibDecoder(gzip: false)
      case .zstd: try ZstdDecoder(memoryLimit: limits.memory)
      case .xz: try XzDecoder(memoryLimit: limits.memory)
      case .lz4: try LZ4Decoder()
      }
    unsafe buffer = .allocate(byteCount: Self.chunkSize, alignment: 16)
  }

  deinit {
    unsafe buffer.deallocate()
  }

  /// What the last `advance()` unpacked. Valid until the next one.
  public var chunk: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: the buffer lives as long as this object, and `filled` bytes of it are initialised.
      let bytes = unsafe RawSpan(
        _unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
      return unsafe _overrideLifetime(bytes, borrowing: self)
    }
  }

  /// Unpacks the next chunk; false at the end. Throws where the packed bytes end too early, are
  /// damaged, or go beyond the limits.
  public func advance() throws(CompressionError) -> Bool {
    filled = 0
    if let failure { throw failure }
    do throws(CompressionError) {
      try fill()
    } catch {
      failure = error
      if filled == 0 { throw error }
    }
    return filled > 0
  }

  /// Fills the buffer, except at the end of the data or before what is thrown.
  private func fill() throws(CompressionError) {
    while unsafe filled < buffer.count {
      if isComplete, try isAtEnd() { return }
      let step = try decodeStep()
      inputOffset += UInt64(step.consumed)
      filled += step.produced
      isComplete = step.isComplete
      try count(step.produced)
      if step.consumed == 0, step.produced == 0, !isComplete {
        // The decoder wants more than there is, or is at odds with itself.
        guard inputOffset == UInt64(input.count) else {
          throw .corrupt(format, offset: inputOffset, detail: "the decoder makes no progress")
        }
        throw .truncated(format, offset: inputOffset)
      }
    }
  }

  /// Adds to the output's size; cuts the chunk and throws beyond the limit.
  private func count(_ produced: Int) throws(CompressionError) {
    outputCount += UInt64(produced)
    guard outputCount > limits.output else { return }
    filled -= Int(outputCount - limits.output)
    outputCount = limits.output
    throw .outputLimit(format, limit: limits.output)
  }

  private func decodeStep() throws(CompressionError) -> DecoderStep {
    let offered = input.clampedSubview(at: inputOffset, count: Self.inputStep)
    let isLast = inputOffset + UInt64(offered.count) == UInt64(input.count)
    do throws(DecoderFailure) {
      // Safe: the output is the unfilled rest of the buffer that this object owns.
      return try unsafe offered.withUnsafeBytes { source throws(DecoderFailure) in
        try unsafe decoder.decode(
          source, isLast: isLast,
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      }
    } catch {
      switch error {
      case .corrupt(let detail):
        throw .corrupt(format, offset: inputOffset, detail: detail)
      case .memoryLimit:
        throw .memoryLimit(format, offset: inputOffset, limit: limits.memory)
      }
    }
  }

  /// Whether nothing but padding follows a complete stream. Throws `.trailingData` if what follows
  /// is no further stream.
  private func isAtEnd() throws(CompressionError) -> Bool {
    let rest = input.clampedSubview(at: inputOffset, count: .max)
    if rest.isEmpty || isPadding(rest) { return true }
    if format == .zlib || CompressionFormat.detect(rest) != format {
      throw .trailingData(format, offset: inputOffset)
    }
    return false
  }

  /// Whether `rest` begins with a block of zeros, as tapes and some copying tools leave behind.
  private func isPadding(_ rest: ByteView) -> Bool {
    let span = rest.clampedSubview(at: 0, count: 512).bytes
    for index in span.byteOffsets where span[index] != 0 { return false }
    return true
  }
}
