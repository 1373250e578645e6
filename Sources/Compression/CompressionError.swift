internal import Bytes

/// Why a packed stream can't be unpacked, or not to its end. Offsets are in the packed bytes.
public enum CompressionError: Error, Hashable, Sendable {
  /// The packed bytes end at `offset` in the middle of a stream.
  case truncated(CompressionFormat, offset: UInt64)
  /// What lies at `offset`, or shortly before it, isn't valid; `detail` is the library's own word.
  case corrupt(CompressionFormat, offset: UInt64, detail: String)
  /// Something that isn't another stream follows the last one at `offset`.
  case trailingData(CompressionFormat, offset: UInt64)
  /// Unpacking what begins at `offset` needs more than `limit` bytes of memory.
  case memoryLimit(CompressionFormat, offset: UInt64, limit: UInt64)
  /// More than `limit` bytes would come out.
  case outputLimit(CompressionFormat, limit: UInt64)
  /// The decoder couldn't be set up; `detail` is the library's own word.
  case unavailable(CompressionFormat, detail: String)
}

extension CompressionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .truncated(let format, let offset):
      "\(format) data is cut off at offset \(hex(offset))"
    case .corrupt(let format, let offset, let detail):
      "\(format) data is damaged near offset \(hex(offset)): \(detail)"
    case .trailingData(let format, let offset):
      "something other than \(format) data follows at offset \(hex(offset))"
    case .memoryLimit(let format, let offset, let limit):
      "\(format) data at offset \(hex(offset)) needs more than \(limit) bytes of memory to unpack"
    case .outputLimit(let format, let limit):
      "\(format) data unpacks to more than \(limit) bytes"
    case .unavailable(let format, let detail):
      "cannot unpack \(format) data: \(detail)"
    }
  }
}
