public import Bytes

/// Where a page of a kdump-compressed dump lies: `page_desc` of makedumpfile's diskdump_mod.h. Pages
/// that the second bitmap has have one each, in ascending order.
///
///       0  offset       8
///       8  size         4
///      12  flags        4
///      16  page_flags   8
public struct KdumpPageDescriptor: Hashable, Sendable {
  /// From the start of the file.
  public var offset: UInt64
  /// How many bytes the page takes there.
  public var size: UInt32
  /// `KdumpHeader.Flag`: how it is packed; 0 if it isn't.
  public var flags: UInt32
  /// The kernel's flags of the page; 0 where nobody looked.
  public var pageFlags: UInt64 = 0

  /// In bytes.
  public static let size = 24

  public init(offset: UInt64, size: UInt32, flags: UInt32) {
    self.offset = offset
    self.size = size
    self.flags = flags
  }

  /// Reads the descriptor at `offset` of `bytes`. Throws `.outOfBounds`.
  public init(_ bytes: ByteView, at offset: UInt64) throws(ByteError) {
    self.offset = try bytes.load(at: offset)
    size = try bytes.load(at: offset + 8)
    flags = try bytes.load(at: offset + 12)
    pageFlags = try bytes.load(at: offset + 16)
  }

  /// Appends the descriptor as it stands in a file.
  public func encode(into bytes: inout [UInt8]) {
    append(offset, to: &bytes)
    append(UInt64(flags) << 32 | UInt64(size), to: &bytes)
    append(pageFlags, to: &bytes)
  }

  private func append(_ word: UInt64, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: (0..<8).lazy.map { UInt8(truncatingIfNeeded: word >> (8 * $0)) })
  }
}
