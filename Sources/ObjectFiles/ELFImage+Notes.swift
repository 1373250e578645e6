internal import Bytes

extension ELFImage {
  /// All notes, of segments and of sections that no segment covers, in file order, and what was
  /// damaged among them.
  public func readNotes() -> (notes: [ELFNote], diagnostics: [ELFDiagnostic]) {
    var notes: [ELFNote] = []
    var diagnostics: [ELFDiagnostic] = []
    for area in noteAreas() {
      var reader = ELFNoteReader(
        bytes.clampedSubview(at: area.offset.rawValue, count: area.size), base: area.offset,
        alignment: area.alignment)
      while let note = reader.next() {
        notes.append(note)
        if notes.count == Self.noteLimit {
          diagnostics.append(
            ELFDiagnostic(
              offset: note.offset, message: "more than \(Self.noteLimit) notes; the rest ignored"))
          return (notes, diagnostics)
        }
      }
      if let diagnostic = reader.diagnostic { diagnostics.append(diagnostic) }
    }
    return (notes, diagnostics)
  }

  /// The build-id; nil if the file has none.
  public var buildID: BuildID? {
    BuildID(among: readNotes().notes)
  }

  /// Programs have a handful; sections that overlap could make them many more than there are bytes.
  private static let noteLimit = 1 << 16
  /// As many areas as are looked at.
  private static let noteAreaLimit = 256

  private struct NoteArea {
    let offset: FileOffset
    let size: UInt64
    let alignment: UInt64
  }

  /// Where notes lie: in sections, and in segments that hold none of these. In a debug file the
  /// segments describe the stripped program, and only sections lead to the notes.
  private func noteAreas() -> [NoteArea] {
    let noteSections = sections.lazy.filter { $0.type == .note }.prefix(Self.noteAreaLimit)
    let sectionAreas = noteSections.map {
      NoteArea(offset: $0.fileOffset, size: $0.size, alignment: $0.alignment)
    }
    if isDebugFile { return Array(sectionAreas) }
    let noteSegments = segments.lazy.filter { $0.type == .note && $0.fileSize > 0 }
      .prefix(Self.noteAreaLimit)
    let segmentAreas = noteSegments.map {
      NoteArea(offset: $0.fileOffset, size: $0.fileSize, alignment: $0.alignment)
    }
    let uncovered = segmentAreas.filter { segment in
      !sectionAreas.contains { section in
        guard let distance = section.offset.offset(from: segment.offset) else { return false }
        return distance < segment.size
      }
    }
    return Array(sectionAreas) + Array(uncovered)
  }

  /// Whether this is what `objcopy --only-keep-debug` leaves: the loaded sections are there in name
  /// only.
  public var isDebugFile: Bool {
    sections.contains { $0.flags.contains([.allocated, .execute]) && $0.type == .noBits }
  }
}

extension BuildID {
  /// The first build-id among `notes`.
  init?(among notes: [ELFNote]) {
    for note in notes where note.is(.gnuBuildID, of: "GNU") && !note.isTruncated {
      guard note.descriptor.count <= 64, let id = BuildID(note.descriptor.copy()) else { continue }
      self = id
      return
    }
    return nil
  }
}
