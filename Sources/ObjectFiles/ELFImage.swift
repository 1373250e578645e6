public import Bytes

/// A 64-bit little-endian ELF file: an executable, a library, a debug file, a core.
///
/// A damaged section table costs only the sections: `diagnostics` says so, and the rest is usable.
/// For an image in a process's memory, where there are no section headers, see `LoadedELFImage`.
public struct ELFImage: Sendable {
  /// The whole file.
  public let bytes: ByteView
  public let header: ELFHeader
  /// The program headers, in file order.
  public let segments: [ELFSegment]
  /// The section headers, in file order; empty if the file has none or they are beyond use.
  public let sections: [ELFSection]
  /// What was found damaged in the tables.
  public let diagnostics: [ELFDiagnostic]

  /// Reads the tables of the file `bytes`. Throws `.notELF`, `.unsupported` or `.damaged` if not
  /// even the header is usable.
  public init(_ bytes: ByteView) throws(ObjectError) {
    self.bytes = bytes
    header = try ELFHeader(bytes)
    let tables = ELFTables(bytes, header)
    segments = tables.segments
    sections = tables.sections
    diagnostics = tables.diagnostics
  }

  /// The first section called `name`.
  public func section(named name: String) -> ELFSection? {
    sections.first { $0.name == name }
  }

  /// The bytes of `section` as stored: still packed if it has `SHF_COMPRESSED`, empty for
  /// `SHT_NOBITS`. Throws `.damaged` if the file ends before them.
  public func contents(of section: ELFSection) throws(ObjectError) -> ByteView {
    if section.type == .noBits { return .empty }
    return try slice(section.fileOffset, section.size, "section \(section.name)")
  }

  /// The bytes of `segment` that the file holds. Throws `.damaged` if it ends before them.
  public func contents(of segment: ELFSegment) throws(ObjectError) -> ByteView {
    try slice(segment.fileOffset, segment.fileSize, "segment \(segment.type)")
  }

  /// How `section` is packed; nil if it isn't. Its packed bytes follow the header.
  public func compression(
    of section: ELFSection
  ) throws(ObjectError) -> (header: ELFCompressionHeader, packed: ByteView)? {
    guard section.flags.contains(.compressed) else { return nil }
    let stored = try contents(of: section)
    do throws(ByteError) {
      let packed = stored.clampedSubview(at: ELFCompressionHeader.size, count: .max)
      return (try ELFCompressionHeader(stored), packed)
    } catch {
      throw .damaged(
        what: "compression header of \(section.name)", offset: section.fileOffset, cause: error)
    }
  }

  /// The file's bytes that are loaded at `address` (before any bias), up to `count` or the end of
  /// what the segment has in the file; nil if no segment is loaded there.
  public func loadedBytes(at address: VirtualAddress, count: UInt64 = .max) -> ByteView? {
    for segment in segments where segment.type == .load {
      guard let distance = address.offset(from: segment.address), distance < segment.fileSize,
        let start = segment.fileOffset.advanced(by: distance)
      else { continue }
      return bytes.clampedSubview(
        at: start.rawValue, count: min(count, segment.fileSize - distance))
    }
    return nil
  }

  private func slice(
    _ offset: FileOffset, _ count: UInt64, _ what: String
  ) throws(ObjectError) -> ByteView {
    do throws(ByteError) {
      return try bytes.subview(at: offset.rawValue, count: count)
    } catch {
      throw .damaged(what: what, offset: offset, cause: error)
    }
  }
}
