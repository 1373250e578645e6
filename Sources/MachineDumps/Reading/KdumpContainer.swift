import Bytes
import ObjectFiles
import Unwinding

/// The parts of a kdump-compressed dump of a 64-bit machine, as `KdumpLayout` draws them, as far as
/// the file has them.
struct KdumpContainer {
  let bytes: ByteView
  let header: KdumpHeader
  /// All zeros in a dump of a 32-bit machine, whose sub-header is another.
  private(set) var subheader = KdumpSubheader()
  /// Which pages the machine had, and which the dump has.
  private(set) var memory = PageBitmap(.empty, count: 0)
  private(set) var present = PageBitmap(.empty, count: 0)
  /// Where the descriptors of the present pages begin.
  private(set) var descriptors: UInt64 = 0
  private(set) var diagnostics: [String] = []

  /// The size of blocks and pages that Varve reads, in bytes.
  static let pageSize: UInt64 = 4096
  /// 256 TiB: no machine has memory beyond.
  private static let pageLimit: UInt64 = 1 << 36

  /// Throws `.container`.
  init(_ bytes: ByteView, path: String) throws(MachineDumpError) {
    self.bytes = bytes
    do throws(ObjectError) {
      header = try KdumpHeader(bytes)
      guard architecture != nil else { return }
      subheader = try KdumpSubheader(
        bytes.clampedSubview(at: Self.pageSize, count: .max), header: header)
    } catch {
      throw .container(path: path, reason: "\(error)")
    }
    guard !subheader.isSplit else {
      throw .container(
        path: path,
        reason: "is one part of a split dump, which makedumpfile --reassemble puts together")
    }
    readBitmaps()
  }

  /// Nil if the dump isn't for this reader: of a 32-bit or another machine, or of other pages.
  var architecture: Architecture? {
    guard UInt64(header.blockSize) == Self.pageSize else { return nil }
    switch header.name.machine {
    case "x86_64", "": return .x86_64
    case "aarch64": return .aarch64
    default: return nil
    }
  }

  private mutating func readBitmaps() {
    let start = (1 + UInt64(header.subheaderBlocks)) * Self.pageSize
    let size = UInt64(header.bitmapBlocks) / 2 * Self.pageSize
    var pages = subheader.pageLimit
    if pages > min(size * 8, Self.pageLimit) {
      pages = min(size * 8, Self.pageLimit)
      diagnostics.append(
        "the dump claims \(subheader.pageLimit) pages, more than its bitmaps have; \(pages) are read"
      )
    }
    memory = PageBitmap(bytes.clampedSubview(at: start, count: size), count: pages)
    present = PageBitmap(bytes.clampedSubview(at: start + size, count: size), count: pages)
    descriptors = start + 2 * size
    if UInt64(bytes.count) < descriptors {
      diagnostics.append("the file ends early, within the bitmaps of pages")
    }
  }

  /// What `extent` describes; empty if the dump has none.
  private mutating func area(_ extent: KdumpExtent, _ name: String) -> ByteView {
    let area = bytes.clampedSubview(at: extent.offset, count: extent.count)
    if UInt64(area.count) < extent.count {
      diagnostics.append(
        "\(name) at offset \(hex(extent.offset)): only \(area.count) of \(extent.count) bytes lie in"
          + " the file")
    }
    return area
  }

  /// The ELF notes, which every version since 4 has.
  mutating func notes() -> [ELFNote] {
    let area = area(subheader.notes, "notes")
    let (notes, damage) = ELFNote.list(in: area, base: FileOffset(subheader.notes.offset))
    if let damage { diagnostics.append("notes: \(damage)") }
    return notes
  }

  /// The VMCOREINFO text; nil if there is none.
  mutating func vmcoreInfo() -> ByteView? {
    let area = area(subheader.vmcoreInfo, "VMCOREINFO")
    return area.isEmpty ? nil : area
  }
}
