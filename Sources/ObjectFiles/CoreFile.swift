public import Bytes

/// What was dumped.
public enum CoreKind: Hashable, Sendable {
  /// One process: written by the kernel when it died, by gcore, or the like.
  case process
  /// A whole machine: QEMU's dump-guest-memory, kdump. Addresses are the kernel's, "threads" are
  /// CPUs.
  case machine
}

/// A core file: the memory and threads of a process, or the memory and CPUs of a machine.
///
/// Whatever of a damaged or cut file is readable is here, and `diagnostics` say what isn't.
public struct CoreFile: Sendable {
  /// The file itself.
  public let image: ELFImage
  public let kind: CoreKind
  /// The dumped ranges in the file's order: possibly unsorted, possibly overlapping.
  public let segments: [CoreSegment]
  /// The threads in the file's order. Kernels and gdb put the one that got the signal first.
  public let threads: [CoreThread]
  public let processInfo: CoreProcessInfo?
  public let auxiliaryVector: [CoreAuxiliaryEntry]
  /// The file-backed mappings.
  public let mappedFiles: [CoreMappedFile]
  /// All notes, decoded or not, in the file's order.
  public let notes: [ELFNote]
  /// What is damaged or missing.
  public let diagnostics: [ELFDiagnostic]

  public var machine: ELFMachine { image.header.machine }

  /// The first entry of the auxiliary vector with `type`.
  public func auxiliaryValue(_ type: UInt64) -> UInt64? {
    auxiliaryVector.first { $0.type == type }?.value
  }

  /// Reads the core `bytes`. Throws `.notELF`, `.unsupported`, `.notCore`, and `.damaged` if not
  /// even the header is usable.
  public init(_ bytes: ByteView) throws(ObjectError) {
    let image = try ELFImage(bytes)
    guard image.header.type == .core else { throw .notCore(type: image.header.type) }
    self.image = image
    var reader = CoreReader(image)
    reader.readSegments()
    reader.readNotes()
    segments = reader.segments
    notes = reader.notes
    threads = reader.threads
    processInfo = reader.processInfo
    auxiliaryVector = reader.auxiliaryVector
    mappedFiles = reader.mappedFiles
    kind = reader.kind
    diagnostics = image.diagnostics + reader.diagnostics
  }
}
