public import Bytes

/// The program headers and notes of an ELF core of either class: what the dump of a machine is made
/// of. (QEMU writes 32-bit files of guests that aren't in long mode and have no memory beyond 4 GiB.)
///
/// Whatever of a damaged or cut file is readable is here, and `diagnostics` say what isn't.
public struct ELFDump: Sendable {
  /// The whole file.
  public let bytes: ByteView
  public let type: ELFType
  public let machine: ELFMachine
  /// Whether the file's own fields have 64 bits.
  public let is64Bit: Bool
  /// The program headers, in file order.
  public let segments: [ELFSegment]
  /// All notes, in file order.
  public let notes: [ELFNote]
  public let diagnostics: [ELFDiagnostic]

  /// Reads the tables of the file `bytes`. Throws `.notELF`, `.unsupported` for big-endian files, and
  /// `.damaged` if not even the header is usable.
  public init(_ bytes: ByteView) throws(ObjectError) {
    self.bytes = bytes
    var diagnostics: [ELFDiagnostic]
    if ELF32Header.matches(bytes) {
      let header = try ELF32Header(bytes)
      type = header.type
      machine = header.machine
      is64Bit = false
      (segments, diagnostics) = header.segments(in: bytes)
    } else {
      let image = try ELFImage(bytes)
      type = image.header.type
      machine = image.header.machine
      is64Bit = true
      segments = image.segments
      diagnostics = image.diagnostics
    }
    var notes: [ELFNote] = []
    // Segments may overlap, so that together they hold many more notes than there are bytes.
    for segment in segments
    where segment.type == .note && segment.fileSize > 0 && notes.count < ELFNote.listLimit {
      let area = bytes.clampedSubview(at: segment.fileOffset.rawValue, count: segment.fileSize)
      let (found, diagnostic) = ELFNote.list(
        in: area, base: segment.fileOffset, alignment: segment.alignment,
        limit: ELFNote.listLimit - notes.count)
      notes += found
      if notes.count == ELFNote.listLimit {
        diagnostics.append(
          ELFDiagnostic(
            offset: segment.fileOffset,
            message: "more than \(ELFNote.listLimit) notes; the rest ignored"))
        break
      }
      if let diagnostic { diagnostics.append(diagnostic) }
    }
    self.notes = notes
    self.diagnostics = diagnostics
  }
}

extension ELFNote {
  /// More notes than any dump of a machine has, a few for each of its CPUs; the rest of an area is left unread.
  public static let listLimit = 1 << 16

  /// The notes that `bytes`, which begin at `base` in the file, hold one after another, and what was
  /// wrong with the one that ended the reading, if it wasn't the end of the bytes. `alignment` is the
  /// segment's own. At most `limit` are read.
  public static func list(
    in bytes: ByteView, base: FileOffset, alignment: UInt64 = 4, limit: Int = listLimit
  ) -> (notes: [ELFNote], damage: ELFDiagnostic?) {
    var notes: [ELFNote] = []
    var reader = ELFNoteReader(bytes, base: base, alignment: alignment)
    while notes.count < limit, let note = reader.next() { notes.append(note) }
    return (notes, reader.diagnostic)
  }
}
