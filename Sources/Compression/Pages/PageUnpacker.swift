/// Unpacks pages of one library. Not for several threads at once: each has its own.
public final class PageUnpacker {
  public let compression: PageCompression
  private let decoder: any PageDecoder

  /// Throws `.library` if the library can't be set up.
  public init(_ compression: PageCompression) throws(PageCompressionError) {
    self.compression = compression
    decoder =
      switch compression {
      case .zlib: try ZlibPageDecoder()
      case .lzo: try LZOPageDecoder()
      case .snappy: SnappyPageDecoder()
      case .zstd: try ZstdPageDecoder()
      }
  }

  /// Unpacks `packed` to fill `page` exactly. Throws `.corrupt` for what isn't valid or gives more
  /// bytes, `.wrongSize` for what gives fewer.
  public func unpack(
    _ packed: RawSpan, into page: inout [UInt8]
  ) throws(PageCompressionError) {
    let expected = page.count
    // Safe: the decoders stay within both buffers and keep no pointer.
    var span = page.mutableSpan
    let found = try unsafe span.withUnsafeMutableBytes { room throws(PageCompressionError) in
      try unsafe packed.withUnsafeBytes { source throws(PageCompressionError) in
        try unsafe decoder.unpack(source, into: room)
      }
    }
    guard found == expected else {
      throw .wrongSize(compression, found: found, expected: expected)
    }
  }
}
