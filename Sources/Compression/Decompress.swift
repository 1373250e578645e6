public import Bytes
internal import CCompression

/// Unpacks `input` and passes the chunks that come out to `sink`, in order, until it returns false.
/// Throws what `Decompressor.advance()` throws, after all good data was passed on.
public func decompress(
  _ input: ByteView, _ format: CompressionFormat, limits: DecompressionLimits = .file,
  into sink: (RawSpan) -> Bool
) throws(CompressionError) {
  let decompressor = try Decompressor(input, format: format, limits: limits)
  while try decompressor.advance() {
    if !sink(decompressor.chunk) { return }
  }
}

/// All of `input`, unpacked in memory. Throws `.outputLimit` if more than `limit` bytes come out,
/// and whatever else is wrong; nothing partial is returned.
public func decompress(
  _ input: ByteView, _ format: CompressionFormat, limit: UInt64
) throws(CompressionError) -> ByteView {
  var chunks = ChunkBuffer()
  try decompress(input, format, limits: .section(output: limit)) { chunk in
    chunks.append(chunk)
    return true
  }
  return chunks.finish()
}

/// Bytes that grow by whole chunks and end up in a view without another copy.
@safe
private struct ChunkBuffer: ~Copyable {
  private var buffer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var count = 0

  deinit {
    unsafe buffer.deallocate()
  }

  mutating func append(_ chunk: RawSpan) {
    let needed = count + chunk.byteCount
    if unsafe needed > buffer.count {
      let grown = unsafe UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(needed, 2 * buffer.count), alignment: 16)
      // Safe: both hold `count` bytes at least.
      unsafe grown.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      unsafe buffer.deallocate()
      unsafe buffer = grown
    }
    // Safe: room for the chunk was made above; the pointer isn't kept.
    unsafe chunk.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: source)
    }
    count = needed
  }

  /// Hands the bytes over; the buffer is empty afterwards.
  mutating func finish() -> ByteView {
    if count == 0 { return .empty }
    let whole = unsafe buffer
    let used = count
    unsafe buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    count = 0
    // Safe: nobody else has the address any more; the storage frees it.
    return ByteView(
      unsafe ByteStorage(
        adopting: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(whole)[..<used])
      ) { unsafe $0.deallocate() })
  }
}
