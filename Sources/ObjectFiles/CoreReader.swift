internal import Bytes

/// Collects what a core's program headers and notes say.
struct CoreReader {
  let image: ELFImage
  var segments: [CoreSegment] = []
  var threads: [CoreThread] = []
  var processInfo: CoreProcessInfo?
  var auxiliaryVector: [CoreAuxiliaryEntry] = []
  var mappedFiles: [CoreMappedFile] = []
  var notes: [ELFNote] = []
  var diagnostics: [ELFDiagnostic] = []

  /// Half a million threads have fewer; headers that overlap could make more notes than there are
  /// bytes.
  private static let noteLimit = 1 << 21

  init(_ image: ELFImage) { self.image = image }

  // MARK: Memory

  mutating func readSegments() {
    let fileEnd = UInt64(image.bytes.count)
    var missing: UInt64 = 0
    for (index, header) in image.segments.enumerated() where header.type == .load {
      // What is left of the address space from the segment's start.
      let room = UInt64.max - header.address.rawValue
      var memorySize = header.memorySize
      if memorySize > 0, memorySize - 1 > room {
        report(header, "segment \(index) at \(header.address) runs past the last address")
        memorySize = room  // One byte short of the end, so that a size can hold it.
      }
      var fileSize = header.fileSize
      if fileSize > memorySize {
        report(header, "segment \(index) at \(header.address) has more contents than memory")
        fileSize = memorySize
      }
      let start = header.fileOffset.rawValue
      let available = min(fileSize, start < fileEnd ? fileEnd - start : 0)
      missing = missing.addingClamped(fileSize - available)
      segments.append(
        CoreSegment(
          index: index, address: header.address, memorySize: memorySize,
          fileOffset: header.fileOffset, fileSize: fileSize, availableSize: available,
          permissions: header.permissions, physicalAddress: header.physicalAddress))
    }
    reportCut(missing, fileEnd)
  }

  /// One diagnostic for all that a cut file lacks: it may be thousands of segments.
  private mutating func reportCut(_ missing: UInt64, _ fileEnd: UInt64) {
    let cut = segments.filter(\.isTruncated)
    guard let first = cut.first else { return }
    diagnostics.append(
      ELFDiagnostic(
        offset: FileOffset(fileEnd),
        message: "the file ends early: \(missing) bytes of \(cut.count) segments are missing, "
          + "first of segment \(first.index) at \(first.address)"))
  }

  // MARK: Notes

  mutating func readNotes() {
    for header in image.segments where header.type == .note && header.fileSize > 0 {
      let bytes = image.bytes.clampedSubview(
        at: header.fileOffset.rawValue, count: header.fileSize)
      if UInt64(bytes.count) < header.fileSize {
        report(header, "only \(bytes.count) of \(header.fileSize) bytes of notes lie in the file")
      }
      var reader = ELFNoteReader(bytes, base: header.fileOffset, alignment: header.alignment)
      while notes.count < Self.noteLimit, let note = reader.next() {
        notes.append(note)
        decode(note)
      }
      if let diagnostic = reader.diagnostic { diagnostics.append(diagnostic) }
      if notes.count == Self.noteLimit {
        report(header, "more than \(Self.noteLimit) notes; the rest ignored")
        break
      }
    }
    if notes.isEmpty {
      diagnostics.append(
        ELFDiagnostic(offset: image.header.programHeaderOffset, message: "the core has no notes"))
    }
  }

  private mutating func decode(_ note: ELFNote) {
    switch (note.owner, note.type) {
    case ("CORE", .threadStatus): decodeThread(note)
    case ("CORE", .processInfo):
      processInfo = checked(note, "NT_PRPSINFO", CoreProcessInfo.size, CoreProcessInfo.init)
    case ("CORE", .auxiliaryVector):
      auxiliaryVector = checked(note, "NT_AUXV", nil, CoreAuxiliaryEntry.decode) ?? []
    case ("CORE", .mappedFiles):
      guard let table = checked(note, "NT_FILE", nil, CoreFileTable.decode) else { return }
      mappedFiles = table.files
      if let damage = table.damage { report(note, damage) }
    case ("LINUX", .x86ExtendedStateLayout), ("GDB", _):
      break  // Once per process: what XSAVE areas hold; gdb's target description.
    default: attach(note)
    }
  }

  private mutating func decodeThread(_ note: ELFNote) {
    guard let layout = CoreThreadLayout(image.header.machine) else {
      return report(note, "registers of \(image.header.machine) aren't known")
    }
    let machine = image.header.machine
    let decoded = checked(note, "NT_PRSTATUS", layout.size) { descriptor throws(ByteError) in
      try layout.decode(descriptor, machine: machine)
    }
    guard let (status, registers) = decoded, let registers else { return }
    threads.append(
      CoreThread(status: status, registers: registers, notes: [], statusNote: note))
  }

  /// Adds a note to the thread whose NT_PRSTATUS came last.
  private mutating func attach(_ note: ELFNote) {
    guard !threads.isEmpty else { return }
    let last = threads.count - 1
    threads[last].notes.append(note)
    switch (note.owner, note.type) {
    case ("CORE", .signalInfo):
      threads[last].signalInfo = checked(
        note, "NT_SIGINFO", CoreSignalInfo.size, CoreSignalInfo.init)
    case ("CORE", .floatingPoint): threads[last].floatingPoint = whole(note, "NT_PRFPREG")
    case ("LINUX", .x86ExtendedState): threads[last].extendedState = whole(note, "NT_X86_XSTATE")
    default: break
    }
  }

  private mutating func whole(_ note: ELFNote, _ name: String) -> ByteView? {
    if note.isTruncated { report(note, "\(name) is cut off") }
    return note.isTruncated ? nil : note.descriptor
  }

  /// What `decode` makes of the note; nil, and a diagnostic, if it hasn't the `size` that such notes
  /// have (any, if that is nil).
  private mutating func checked<Value>(
    _ note: ELFNote, _ name: String, _ size: UInt64?,
    _ decode: (ByteView) throws(ByteError) -> Value
  ) -> Value? {
    if let size, note.declaredSize != size {
      report(note, "\(name) is \(note.declaredSize) bytes long instead of \(size); ignored")
      return nil
    }
    do throws(ByteError) {
      return try decode(note.descriptor)
    } catch {
      report(note, "\(name) is damaged: \(error)")
      return nil
    }
  }

  // MARK: Kind

  /// Notes tell a machine's dump; without any that do, physical addresses, which processes' cores
  /// leave 0, and the lack of what each process's core has.
  var kind: CoreKind {
    let machineNotes: Set<String> = ["VMCOREINFO", "QEMU", "ERASEINFO", "Xen"]
    if notes.contains(where: { machineNotes.contains($0.owner) }) { return .machine }
    let isProcess = processInfo != nil || !auxiliaryVector.isEmpty || !mappedFiles.isEmpty
    if !isProcess, segments.contains(where: { $0.physicalAddress.rawValue != 0 }) {
      return .machine
    }
    // Memory from 0 on and nothing else: at 0 no process has any.
    if !isProcess, !segments.isEmpty,
      segments.allSatisfy({ $0.address.rawValue == $0.physicalAddress.rawValue })
    {
      return .machine
    }
    return .process
  }

  private mutating func report(_ header: ELFSegment, _ message: String) {
    diagnostics.append(ELFDiagnostic(offset: header.fileOffset, message: message))
  }

  private mutating func report(_ note: ELFNote, _ message: String) {
    diagnostics.append(ELFDiagnostic(offset: note.offset, message: message))
  }
}

extension UInt64 {
  /// The sum, or the largest number if it is bigger.
  func addingClamped(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
