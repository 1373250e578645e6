/// Where the parts of a kdump-compressed dump lie, in blocks of 4096 bytes.
///
///     block 0             header
///     block 1             sub-header, notes, VMCOREINFO text
///     1 + subheader       bitmap 1: a bit for each page that the machine has
///       + bitmap          bitmap 2: a bit for each page that the dump has
///       + bitmap          descriptors, one for each bit of bitmap 2
///                         packed pages, anywhere behind
///
/// A byte of a bitmap holds eight pages, the first in its lowest bit.
public struct KdumpLayout: Hashable, Sendable {
  /// One more than the highest page number.
  public let pageLimit: UInt64
  /// How many blocks the sub-header takes with what follows it.
  public let subheaderBlocks: UInt64
  /// How many blocks one bitmap takes.
  public let bitmapBlocks: UInt64

  /// In bytes: the size of blocks and pages.
  public static let blockSize: UInt64 = 4096
  /// Physical addresses of x86-64 have 52 bits (AMD APM volume 2, section 5.1).
  public static let pageLimitMaximum: UInt64 = 1 << 40

  /// For pages below `pageLimit` and `noteBytes` bytes behind the sub-header. Throws `.limit` if
  /// either is more than any machine has.
  public init(pageLimit: UInt64, noteBytes: UInt64) throws(ObjectError) {
    guard pageLimit <= Self.pageLimitMaximum else {
      throw .limit(
        what: "the number of pages", value: pageLimit, limit: Self.pageLimitMaximum)
    }
    guard noteBytes <= 1 << 30 else {
      throw .limit(what: "the notes' size", value: noteBytes, limit: 1 << 30)
    }
    self.pageLimit = pageLimit
    subheaderBlocks = Self.blocks(UInt64(KdumpSubheader.size) + noteBytes)
    bitmapBlocks = Self.blocks((pageLimit + 7) / 8)
  }

  private static func blocks(_ bytes: UInt64) -> UInt64 { (bytes + blockSize - 1) / blockSize }

  /// Where the sub-header lies in the file. This and the others are in bytes.
  public var subheader: UInt64 { Self.blockSize }
  /// What follows the sub-header.
  public var notes: UInt64 { subheader + UInt64(KdumpSubheader.size) }
  public var firstBitmap: UInt64 { subheader + subheaderBlocks * Self.blockSize }
  public var secondBitmap: UInt64 { firstBitmap + bitmapBlocks * Self.blockSize }
  public var descriptors: UInt64 { secondBitmap + bitmapBlocks * Self.blockSize }

  /// The first block behind `count` descriptors.
  public func pages(after count: UInt64) -> UInt64 {
    descriptors + Self.blocks(count * UInt64(KdumpPageDescriptor.size)) * Self.blockSize
  }
}
