import Bytes
import ObjectFiles
import Unwinding

/// The parts of a kdump-compressed dump of an x86 or aarch64 machine, as `KdumpLayout` draws them, as
/// far as the file has them.
struct KdumpContainer {
  let bytes: ByteView
  let header: KdumpHeader
  let subheader: KdumpSubheader
  /// What the machine's notes are of: 32-bit ones have another layout.
  let machine: ELFMachine
  let architecture: Architecture
  /// The size of blocks and pages, in bytes.
  let pageSize: UInt64
  /// Which pages the machine had, and which the dump has.
  private(set) var memory = PageBitmap(.empty, count: 0)
  private(set) var present = PageBitmap(.empty, count: 0)
  /// Where the descriptors of the present pages begin.
  private(set) var descriptors: UInt64 = 0
  private(set) var diagnostics: [String] = []

  /// x86 has pages of 4 KiB, aarch64 also of 16 and 64 KiB.
  private static let pageSizes: Set<UInt32> = [1 << 12, 1 << 14, 1 << 16]
  /// 256 TiB: no machine has memory beyond.
  private static let memoryLimit: UInt64 = 1 << 48

  /// Throws `.container` and `.unsupportedArchitecture`.
  init(_ bytes: ByteView, path: String) throws(MachineDumpError) {
    self.bytes = bytes
    header = try Self.contained(path) { () throws(ObjectError) in try KdumpHeader(bytes) }
    (machine, architecture) = try Self.kind(of: header, path)
    guard Self.pageSizes.contains(header.blockSize) else {
      throw .container(path: path, reason: "its pages are said to be of \(header.blockSize) bytes")
    }
    let pageSize = UInt64(header.blockSize)
    self.pageSize = pageSize
    subheader = try Self.contained(path) { [header] () throws(ObjectError) in
      try KdumpSubheader(bytes.clampedSubview(at: pageSize, count: .max), header: header)
    }
    guard !subheader.isSplit else {
      throw .container(
        path: path,
        reason: "is one part of a split dump, which makedumpfile --reassemble puts together")
    }
    readBitmaps()
  }

  private static func contained<Part>(
    _ path: String, _ read: () throws(ObjectError) -> Part
  ) throws(MachineDumpError) -> Part {
    do throws(ObjectError) {
      return try read()
    } catch {
      throw .container(path: path, reason: "\(error)")
    }
  }

  private static func kind(
    of header: KdumpHeader, _ path: String
  ) throws(MachineDumpError) -> (ELFMachine, Architecture) {
    if header.isOf32Bits { return (.i386, .x86_64) }
    switch header.name.machine {
    case "x86_64", "": return (.x86_64, .x86_64)
    case "aarch64": return (.aarch64, .aarch64)
    case let other: throw .unsupportedArchitecture(path: path, other)
    }
  }

  private mutating func readBitmaps() {
    let start = (1 + UInt64(header.subheaderBlocks)) * pageSize
    let size = UInt64(header.bitmapBlocks) / 2 * pageSize
    let limit = min(size * 8, Self.memoryLimit / pageSize)
    var pages = subheader.pageLimit
    if pages > limit {
      pages = limit
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
