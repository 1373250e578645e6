public import Bytes

/// Where the contents of a segment come from.
public enum CoreContents: Sendable {
  /// Nowhere: mapped, but left out of the core.
  case absent
  /// From memory.
  case bytes(ByteView)
  /// From the core that is being rewritten: `count` bytes at `offset` in it.
  case input(offset: FileOffset, count: UInt64)
  /// From elsewhere: whoever carries the layout out writes `count` bytes by itself.
  case deferred(count: UInt64)

  /// How many bytes they take in the file.
  public var size: UInt64 {
    switch self {
    case .absent: 0
    case .bytes(let bytes): UInt64(bytes.count)
    case .input(_, let count), .deferred(let count): count
    }
  }
}

/// A PT_LOAD segment to be written.
public struct CoreOutputSegment: Sendable {
  public var address: VirtualAddress
  public var physicalAddress = PhysicalAddress(0)
  /// How many bytes are mapped; at least as many as `contents` has.
  public var memorySize: UInt64
  public var permissions: ELFPermissions
  public var contents: CoreContents

  public init(
    address: VirtualAddress, memorySize: UInt64, permissions: ELFPermissions,
    contents: CoreContents
  ) {
    self.address = address
    self.memorySize = memorySize
    self.permissions = permissions
    self.contents = contents
  }

  /// The same range with the same contents as in the core that `segment` belongs to.
  public init(copying segment: CoreSegment) {
    address = segment.address
    physicalAddress = segment.physicalAddress
    memorySize = segment.memorySize
    permissions = segment.permissions
    contents =
      segment.availableSize == 0
      ? .absent : .input(offset: segment.fileOffset, count: segment.availableSize)
  }
}

/// Where everything of a new core goes. A plan only: whoever owns the output file carries it out.
public struct CoreLayout: Sendable {
  /// Contents of one segment and where they go.
  public struct Piece: Sendable {
    /// As far from a multiple of the page size as the segment's address is, so that pages are
    /// blocks of the file: file systems can share those of a copy and leave out those of zeros.
    public let fileOffset: FileOffset
    public let contents: CoreContents
  }

  /// What stands at the start of the file: the headers and all notes.
  public let head: [UInt8]
  /// In ascending order of file offsets; absent contents aren't listed.
  public let pieces: [Piece]
  /// How long the file is in all.
  public let fileSize: UInt64
}

/// Lays out an ELF core file: notes first, then the segments' contents on page borders.
///
///      0  ELF header
///     64  program headers: PT_NOTE, then PT_LOAD in the order given
///         section header 0, only if there are 0xffff program headers or more (PN_XNUM)
///         notes
///         the contents of each segment, congruent to its address modulo 4096
public struct ELFCoreWriter: Sendable {
  public let machine: ELFMachine
  /// Whether the file is one of 64 or of 32 bits (ELFCLASS64, ELFCLASS32), whatever the machine.
  public var isWide = true
  /// `p_align` of each PT_LOAD. Segments begin at page borders all the same; but crash takes a
  /// machine's dump that says so for one of netdump's, and 0 for kdump's (netdump.c, `is_netdump`).
  public var declaredAlignment: UInt64 = 4096
  /// `e_flags`, and `EI_OSABI`.
  public var flags: UInt32 = 0
  public var osABI: UInt8 = 0

  /// All notes added so far, as they stand in the file.
  public var noteBytes: [UInt8] { notes.bytes }

  private var notes = ByteWriter()
  private var segments: [CoreOutputSegment] = []

  private static let page: UInt64 = 4096

  public init(machine: ELFMachine) { self.machine = machine }

  // MARK: Notes

  /// Adds any note. Owners longer than a few letters don't occur, descriptors stay below 4 GiB.
  public mutating func addNote(owner: String, type: ELFNoteType, descriptor: [UInt8]) {
    notes.append(UInt32(owner.utf8.count + 1))
    notes.append(UInt32(descriptor.count))
    notes.append(type.rawValue)
    notes.append(contentsOf: owner.utf8)
    notes.append(UInt8(0))
    notes.pad(to: 4)
    notes.append(contentsOf: descriptor)
    notes.pad(to: 4)
  }

  /// Adds a note just as another core has it.
  public mutating func addNote(_ note: ELFNote) {
    addNote(owner: note.owner, type: note.type, descriptor: note.descriptor.copy())
  }

  /// Adds notes as `noteBytes` gives them.
  public mutating func addNotes(encoded bytes: [UInt8]) { notes.append(contentsOf: bytes) }

  /// Begins a thread: NT_PRSTATUS. Further notes about it must follow before the next one. Throws
  /// `.unsupported` for a machine whose registers have no known layout, or another machine's.
  public mutating func addThread(
    _ status: CoreThreadStatus, _ registers: CoreRegisters
  ) throws(ObjectError) {
    guard let layout = CoreThreadLayout(machine), registers.machine == machine else {
      throw .unsupported(reason: "registers of \(registers.machine) in a core of \(machine)")
    }
    addNote(owner: "CORE", type: .threadStatus, descriptor: layout.encode(status, registers))
  }

  /// NT_PRPSINFO.
  public mutating func addProcessInfo(_ info: CoreProcessInfo) {
    addNote(owner: "CORE", type: .processInfo, descriptor: info.encode())
  }

  /// NT_SIGINFO of the thread begun last.
  public mutating func addSignalInfo(_ info: CoreSignalInfo) {
    addNote(owner: "CORE", type: .signalInfo, descriptor: info.encode())
  }

  /// NT_PRFPREG of the thread begun last.
  public mutating func addFloatingPoint(_ area: ByteView) {
    addNote(owner: "CORE", type: .floatingPoint, descriptor: area.copy())
  }

  /// NT_X86_XSTATE of the thread begun last.
  public mutating func addExtendedState(_ area: ByteView) {
    addNote(owner: "LINUX", type: .x86ExtendedState, descriptor: area.copy())
  }

  /// NT_AUXV; the final AT_NULL is added.
  public mutating func addAuxiliaryVector(_ entries: [CoreAuxiliaryEntry]) {
    addNote(
      owner: "CORE", type: .auxiliaryVector, descriptor: CoreAuxiliaryEntry.encode(entries))
  }

  /// NT_FILE.
  public mutating func addMappedFiles(_ files: [CoreMappedFile]) {
    addNote(
      owner: "CORE", type: .mappedFiles,
      descriptor: CoreFileTable.encode(files, pageSize: Self.page))
  }

  // MARK: Memory

  /// Adds a segment after those added so far.
  public mutating func addSegment(_ segment: CoreOutputSegment) { segments.append(segment) }

  // MARK: Layout

  /// Places everything. Throws `.invalid` for a segment with more contents than memory or one that
  /// runs past the address space or the largest file, `.limit` if there are too many segments.
  public func layout() throws(ObjectError) -> CoreLayout {
    let count = UInt64(segments.count) + 1
    guard count <= UInt64(UInt32.max) else {
      throw .limit(what: "number of segments", value: count, limit: UInt64(UInt32.max))
    }
    let isExtended = count >= 0xffff
    let headers = ELFCoreHeaders(isWide: isWide, machine: machine, flags: flags, osABI: osABI)
    let sectionHeader = headers.headerSize + count * headers.segmentSize
    let notesStart = sectionHeader + (isExtended ? headers.sectionSize : 0)

    var head = ByteWriter()
    headers.append(header: &head, count: count, sectionHeader: isExtended ? sectionHeader : 0)
    headers.append(
      ELFSegment(
        type: .note, permissions: .read, fileOffset: FileOffset(notesStart),
        address: VirtualAddress(0), fileSize: UInt64(notes.bytes.count), memorySize: 0,
        alignment: 4),
      to: &head)

    var pieces: [CoreLayout.Piece] = []
    var end = notesStart + UInt64(notes.bytes.count)
    for segment in segments {
      let start =
        (end + Self.page - 1) / Self.page * Self.page + segment.address.rawValue % Self.page
      let size = try checkedSize(of: segment, at: start)
      if size > 0 {
        pieces.append(
          CoreLayout.Piece(fileOffset: FileOffset(start), contents: segment.contents))
        end = start + size
      }
      headers.append(
        ELFSegment(
          type: .load, permissions: segment.permissions, fileOffset: FileOffset(start),
          address: segment.address, physicalAddress: segment.physicalAddress, fileSize: size,
          memorySize: segment.memorySize, alignment: declaredAlignment),
        to: &head)
    }
    if isExtended { headers.append(sectionZero: &head, segments: UInt32(count)) }
    head.append(contentsOf: notes.bytes)
    return CoreLayout(head: head.bytes, pieces: pieces, fileSize: end)
  }

  private func checkedSize(
    of segment: CoreOutputSegment, at start: UInt64
  ) throws(ObjectError) -> UInt64 {
    let size = segment.contents.size
    // Files end below 2⁶³; so much less leaves room for rounding up to pages.
    let largest = (isWide ? UInt64(Int64.max) : UInt64(UInt32.max)) - 3 * Self.page
    guard size <= segment.memorySize, size <= largest, start <= largest - size else {
      throw .invalid(
        what: "contents of the segment at \(segment.address)", offset: FileOffset(start),
        value: size)
    }
    let last = segment.address.advanced(by: max(segment.memorySize, 1) - 1)
    guard let last, isWide || last.rawValue <= UInt64(UInt32.max) else {
      throw .invalid(
        what: "size of the segment at \(segment.address)", offset: FileOffset(start),
        value: segment.memorySize)
    }
    return size
  }
}
