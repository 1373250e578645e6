public import Bytes

/// An ELF image as it lies in a process's memory: in a core, in a guest. There are no section
/// headers, as a rule; everything is found by program headers.
///
/// The memory may have been written by anyone, so every size is limited and every read checked.
public struct LoadedELFImage: Sendable {
  public let header: ELFHeader
  /// Where the header lies.
  public let base: VirtualAddress
  /// What to add, modulo 2⁶⁴, to an address in the file to get the one in memory.
  public let bias: UInt64
  /// The program headers, addresses as in the file.
  public let segments: [ELFSegment]

  /// No linker makes more program headers for something that is loaded.
  static let segmentLimit: UInt16 = 512
  /// No note segment of a loaded file is bigger.
  static let noteLimit: UInt64 = 1 << 20
  /// No dynamic section is bigger (16 bytes an entry).
  static let dynamicLimit: UInt64 = 16 * UInt64(ELFDynamicSection.entryLimit)
  /// The largest string table that is read; those of browsers reach tens of megabytes.
  static let stringLimit: UInt64 = 256 << 20

  /// Reads the headers of the image whose ELF header lies at `base`. Throws `.memory` if they
  /// aren't readable, `.notELF` and `.unsupported` as for files.
  public init(at base: VirtualAddress, memory: some Memory) throws(ObjectError) {
    self.base = base
    header = try ELFHeader(
      Self.read(base, ELFHeader.size, "ELF header", memory))
    let count = header.programHeaderCount
    guard count <= Self.segmentLimit else {
      throw .limit(
        what: "number of program headers", value: UInt64(count),
        limit: UInt64(Self.segmentLimit))
    }
    let stride = UInt64(header.programHeaderEntrySize)
    guard count == 0 || stride >= ELFSegment.headerSize else {
      throw .invalid(what: "size of a program header", offset: FileOffset(54), value: stride)
    }
    // The table follows the header in the same page in all that linkers make, so its file offset
    // is also its distance in memory.
    let table = try Self.read(
      base &+ header.programHeaderOffset.rawValue, UInt64(count) * stride, "program headers",
      memory)
    var segments: [ELFSegment] = []
    do throws(ByteError) {
      for index in 0..<UInt64(count) {
        segments.append(try ELFSegment(table, at: index * stride))
      }
    } catch {
      throw .damaged(
        what: "program headers", offset: header.programHeaderOffset, cause: error)
    }
    self.segments = segments
    // The segment that holds the header begins at file offset 0; only whole pages are mapped.
    let first =
      segments.first { $0.type == .load && $0.fileOffset.rawValue == 0 }
      ?? segments.first { $0.type == .load }
    let start = first.map { $0.address.rawValue &- $0.fileOffset.rawValue } ?? base.rawValue
    bias = base.rawValue &- start
  }

  /// Where an address of the file lies in memory.
  public func loaded(_ address: VirtualAddress) -> VirtualAddress { address &+ bias }

  /// The addresses from the first loaded segment's to the last one's end, in memory; nil if nothing
  /// is loaded or the range wraps around the address space.
  public var extent: Range<VirtualAddress>? {
    let loads = segments.filter { $0.type == .load }
    var ends: [VirtualAddress] = []
    for segment in loads {
      guard let end = loaded(segment.address).advanced(by: segment.memorySize) else { return nil }
      ends.append(end)
    }
    guard let low = loads.map({ loaded($0.address) }).min(), let high = ends.max(), low < high
    else { return nil }
    return low..<high
  }

  /// The notes of all PT_NOTE segments. Throws `.memory` if one of them isn't readable.
  public func notes(in memory: some Memory) throws(ObjectError) -> [ELFNote] {
    var notes: [ELFNote] = []
    for segment in segments where segment.type == .note {
      let size = min(segment.memorySize, Self.noteLimit)
      let bytes = try Self.read(loaded(segment.address), size, "notes", memory)
      var reader = ELFNoteReader(bytes, base: segment.fileOffset, alignment: segment.alignment)
      while let note = reader.next() { notes.append(note) }
    }
    return notes
  }

  /// The build-id; nil if the image has none. Throws `.memory` if its notes aren't readable.
  public func buildID(in memory: some Memory) throws(ObjectError) -> BuildID? {
    BuildID(among: try notes(in: memory))
  }

  /// The dynamic section as the dynamic linker left it; nil for static programs.
  ///
  /// glibc adds the bias to the addresses in it, other linkers leave them as in the file; the
  /// string table is found either way. Throws `.memory` if the section isn't readable.
  public func dynamicSection(in memory: some Memory) throws(ObjectError) -> ELFDynamicSection? {
    guard let segment = segments.first(where: { $0.type == .dynamic }) else { return nil }
    let size = min(segment.memorySize, Self.dynamicLimit)
    let table = try Self.read(loaded(segment.address), size, "dynamic section", memory)
    do throws(ByteError) {
      return try ELFDynamicSection(table) { address, size in
        let place = isLoaded(address) ? address : loaded(address)
        do throws(MemoryFault) {
          return try memory.read(place, count: min(size, Self.stringLimit))
        } catch {
          return nil  // Said by the section's missing `strings`.
        }
      }
    } catch {
      throw .damaged(what: "dynamic section", offset: segment.fileOffset, cause: error)
    }
  }

  /// `.eh_frame_hdr` in memory: its address and size; nil if there is none.
  public var ehFrameHeader: (address: VirtualAddress, size: UInt64)? {
    segments.first { $0.type == .gnuExceptionFrame }
      .map { (loaded($0.address), $0.memorySize) }
  }

  /// Where `.eh_frame` begins in memory, as `.eh_frame_hdr` tells; nil if it doesn't. Throws
  /// `.memory` if that header isn't readable.
  public func ehFrameAddress(in memory: some Memory) throws(ObjectError) -> VirtualAddress? {
    guard let (address, size) = ehFrameHeader else { return nil }
    let header = try Self.read(address, min(size, 12), ".eh_frame_hdr", memory)
    return try ObjectFiles.ehFrameAddress(header: header, at: address)
  }

  /// Whether `address`, as it stands, lies in a loaded segment.
  private func isLoaded(_ address: VirtualAddress) -> Bool {
    segments.contains { $0.type == .load && $0.contains(address &- bias) }
  }

  private static func read(
    _ address: VirtualAddress, _ count: UInt64, _ what: String, _ memory: some Memory
  ) throws(ObjectError) -> ByteView {
    do throws(MemoryFault) {
      return try memory.read(address, count: count)
    } catch {
      throw .memory(what: "\(what) at \(address)", fault: error)
    }
  }
}
