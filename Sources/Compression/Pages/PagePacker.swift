/// Packed pages, one directly after another.
public struct PackedPages: Sendable {
  /// As long as what was ever needed; what lies beyond `count` is rubbish.
  private var storage: [UInt8]
  /// In bytes.
  public private(set) var count = 0

  /// With room for `capacity` bytes; more is made when needed.
  public init(capacity: Int) { storage = [UInt8](repeating: 0, count: max(0, capacity)) }

  /// The packed bytes.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    // Safe: bytes have no other representation than themselves.
    get { unsafe storage.span.bytes.extracting(0..<count) }
  }

  /// Forgets all pages but keeps the room.
  public mutating func removeAll() { count = 0 }

  fileprivate mutating func reserve(_ more: Int) {
    if storage.count - count < more {
      storage.append(contentsOf: repeatElement(0, count: count + more - storage.count))
    }
  }

  fileprivate mutating func append(
    _ page: RawSpan, with encoder: any PageEncoder
  ) throws(PageCompressionError) -> Int {
    reserve(max(encoder.bound(page.byteCount), page.byteCount))
    let start = count
    // Safe: `reserve` made as much room as either way of storing needs; no pointer is kept.
    var span = storage.mutableSpan
    let size = try unsafe span.withUnsafeMutableBytes { room throws(PageCompressionError) in
      try unsafe page.withUnsafeBytes { source throws(PageCompressionError) in
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: room[start...])
        if let size = try unsafe encoder.pack(source, into: rest) { return size }
        unsafe rest.copyMemory(from: source)
        return source.count
      }
    }
    count += size
    return size
  }
}

/// Packs pages with one library. Not for several threads at once: each has its own.
public final class PagePacker {
  public let compression: PageCompression
  private let encoder: any PageEncoder

  /// Throws `.library` if the library can't be set up.
  public init(_ compression: PageCompression) throws(PageCompressionError) {
    self.compression = compression
    encoder =
      switch compression {
      case .zlib: try ZlibPageEncoder()
      case .lzo: try LZOPageEncoder()
      case .snappy: SnappyPageEncoder()
      case .zstd: try ZstdPageEncoder()
      }
  }

  /// Appends `page` to `pages`: packed if that makes it smaller, else as it is. Gives how many
  /// bytes it takes there; if they are as many as the page has, it wasn't packed.
  public func append(
    _ page: RawSpan, to pages: inout PackedPages
  ) throws(PageCompressionError) -> Int {
    if page.isEmpty { return 0 }
    return try pages.append(page, with: encoder)
  }
}
