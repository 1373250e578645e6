internal import Bytes

/// Reads the program and section headers of a file whose header is sound, keeping what is readable
/// of a damaged table.
struct ELFTables {
  var segments: [ELFSegment] = []
  var sections: [ELFSection] = []
  var diagnostics: [ELFDiagnostic] = []

  init(_ bytes: ByteView, _ header: ELFHeader) {
    let first = readSections(bytes, header)
    readSegments(bytes, header, extendedBy: first)
  }

  /// Gives section 0, whose fields hold the counts that are too big for the header.
  private mutating func readSections(_ bytes: ByteView, _ header: ELFHeader) -> ELFSection? {
    let table = header.sectionHeaderOffset
    guard table.rawValue != 0 else { return nil }
    let stride = UInt64(header.sectionHeaderEntrySize)
    guard stride >= ELFSection.headerSize else {
      report(FileOffset(58), "section headers of \(stride) bytes are too short; sections ignored")
      return nil
    }
    let first: ELFSection
    do throws(ByteError) {
      first = try ELFSection(bytes, at: table.rawValue)
    } catch {
      report(table, "section headers lie beyond the end of the file; sections ignored")
      return nil
    }
    let stored = UInt64(header.sectionHeaderCount)
    var wanted = stored == 0 ? first.size : stored
    if wanted > Self.sectionLimit {
      report(table, "\(wanted) sections; only \(Self.sectionLimit) are read")
      wanted = Self.sectionLimit
    }
    let count = available(
      wanted, of: stride, entry: ELFSection.headerSize, at: table, in: bytes, "section headers")
    do throws(ByteError) {
      for index in 0..<count {
        sections.append(try ELFSection(bytes, at: table.rawValue + index * stride))
      }
    } catch {
      report(table, "\(error)")
    }
    let names =
      header.sectionNameIndex == 0xffff ? UInt64(first.link) : UInt64(header.sectionNameIndex)
    nameSections(bytes, tableIndex: names)
    return first
  }

  /// Objects compiled with a section per function reach a hundred thousand.
  private static let sectionLimit: UInt64 = 1 << 20
  private static let nameLimit: UInt64 = 1024

  private mutating func nameSections(_ bytes: ByteView, tableIndex: UInt64) {
    guard tableIndex != 0 else { return }
    guard tableIndex < UInt64(sections.count) else {
      report(FileOffset(62), "section \(tableIndex) with the sections' names doesn't exist")
      return
    }
    let table = sections[Int(tableIndex)]
    let strings = bytes.clampedSubview(at: table.fileOffset.rawValue, count: table.size)
    var nameless = 0
    for index in sections.indices {
      do throws(ByteError) {
        let name = try strings.cString(
          at: UInt64(sections[index].nameOffset), limit: Self.nameLimit)
        sections[index] = ELFSection(sections[index], name: name)
      } catch {
        nameless += 1
      }
    }
    if nameless > 0 {
      report(table.fileOffset, "\(nameless) sections have unreadable names")
    }
  }

  private mutating func readSegments(
    _ bytes: ByteView, _ header: ELFHeader, extendedBy first: ELFSection?
  ) {
    let table = header.programHeaderOffset
    guard header.programHeaderCount != 0, table.rawValue != 0 else { return }
    let stride = UInt64(header.programHeaderEntrySize)
    guard stride >= ELFSegment.headerSize else {
      report(FileOffset(54), "program headers of \(stride) bytes are too short; segments ignored")
      return
    }
    var wanted = UInt64(header.programHeaderCount)
    if header.programHeaderCount == 0xffff {
      // PN_XNUM (elf(5)). Without section 0, 0xffff is the least that it can mean.
      if let first, first.info >= 0xffff {
        wanted = UInt64(first.info)
      } else {
        report(FileOffset(56), "the number of program headers (PN_XNUM) is missing; 65535 assumed")
      }
    }
    let count = available(
      wanted, of: stride, entry: ELFSegment.headerSize, at: table, in: bytes, "program headers")
    do throws(ByteError) {
      for index in 0..<count {
        segments.append(try ELFSegment(bytes, at: table.rawValue + index * stride))
      }
    } catch {
      report(table, "\(error)")
    }
  }

  /// How many of `wanted` entries lie in the file; reports those that don't.
  private mutating func available(
    _ wanted: UInt64, of stride: UInt64, entry: UInt64, at table: FileOffset, in bytes: ByteView,
    _ what: String
  ) -> UInt64 {
    let room = UInt64(bytes.count) > table.rawValue ? UInt64(bytes.count) - table.rawValue : 0
    let whole = room < entry ? 0 : (room - entry) / stride + 1
    if whole < wanted {
      report(table, "only \(whole) of \(wanted) \(what) lie in the file")
    }
    return min(whole, wanted)
  }

  private mutating func report(_ offset: FileOffset, _ message: String) {
    diagnostics.append(ELFDiagnostic(offset: offset, message: message))
  }
}
