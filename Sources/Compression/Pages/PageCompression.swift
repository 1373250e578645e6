/// How single pages of memory are packed in a kdump-compressed dump: each by itself, with nothing
/// around it.
public enum PageCompression: String, CaseIterable, Hashable, Sendable, Codable {
  /// A zlib stream (RFC 1950).
  case zlib
  /// A block of LZO1X.
  case lzo
  /// A block of raw snappy data, without the framing format.
  case snappy
  /// A zstd frame (RFC 8878).
  case zstd
}

/// Why a page couldn't be packed or unpacked.
public enum PageCompressionError: Error, Hashable, Sendable {
  /// The library couldn't be set up, or failed at what can't fail; `detail` is its own word.
  case library(PageCompression, detail: String)
  /// The packed bytes aren't valid; `detail` is the library's own word.
  case corrupt(PageCompression, detail: String)
  /// `found` bytes came out of what should be a page of `expected`.
  case wrongSize(PageCompression, found: Int, expected: Int)
}

extension PageCompressionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .library(let compression, let detail): "\(compression) can't be used: \(detail)"
    case .corrupt(let compression, let detail): "\(compression) page is damaged: \(detail)"
    case .wrongSize(let compression, let found, let expected):
      "\(compression) page unpacks to \(found) bytes, not \(expected)"
    }
  }
}
