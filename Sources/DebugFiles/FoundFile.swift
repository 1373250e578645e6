internal import Bytes
public import HostSystem
public import ObjectFiles

/// What is looked for: a module as a process has it mapped.
public struct ModuleIdentity: Hashable, Sendable {
  /// The file's name as the process knew it, which may end in " (deleted)"; nil if unknown.
  public var path: String?
  /// The build-id that the module has in memory; nil if it has none or it isn't readable.
  public var buildID: BuildID?
  /// How the file begins, as far as the dump holds its first page: ELF header and program headers.
  /// It tells builds apart where the build-id was on a page that wasn't dumped.
  public var beginning: [UInt8]

  public init(path: String?, buildID: BuildID?, beginning: [UInt8] = []) {
    self.path = path
    self.buildID = buildID
    self.beginning = beginning
  }

  /// What a candidate for the binary must prove.
  var requirement: Candidate.Requirement {
    // Fewer bytes than the headers take could be those of any build.
    buildID == nil && beginning.count >= Self.tellingCount
      ? .beginning(beginning) : .buildID(buildID)
  }

  /// The ELF header and a few program headers.
  private static let tellingCount = 512
}

/// Where a file was looked for.
public enum FilePlace: Hashable, Sendable {
  /// Given by name on the command line.
  case given
  /// Under the name the process mapped it by.
  case mappedPath
  /// The same below the system root `root`.
  case sysroot(root: String)
  /// By build-id below the debug directory `directory`.
  case buildIDTree(directory: String)
  /// By the `.gnu_debuglink` of the binary.
  case debugLink
  /// By the `.gnu_debugaltlink` of the debug file.
  case alternateLink
  /// From a debuginfod server; the cached copy is what is read.
  case debuginfod(url: String)
  /// The binary itself holds its debug information.
  case binaryItself
  /// Packed inside the binary, as `.gnu_debugdata`.
  case miniDebugInfo
}

extension FilePlace: CustomStringConvertible {
  public var description: String {
    switch self {
    case .given: "given"
    case .mappedPath: "mapped path"
    case .sysroot(let root): "sysroot \(root)"
    case .buildIDTree(let directory): ".build-id in \(directory)"
    case .debugLink: ".gnu_debuglink"
    case .alternateLink: ".gnu_debugaltlink"
    case .debuginfod(let url): "debuginfod \(url)"
    case .binaryItself: "in the binary"
    case .miniDebugInfo: ".gnu_debugdata"
    }
  }
}

/// How sure it is that a file is the right one.
public enum FileVerification: Hashable, Sendable {
  /// Its build-id is the wanted one.
  case buildID(BuildID)
  /// Its first `count` bytes, with entry point, segments and table offsets, are those in memory.
  case beginning(count: Int)
  /// It has the checksum that `.gnu_debuglink` names.
  case checksum(UInt32)
  /// There was nothing to compare with: `reason` says what was missing.
  case notVerified(reason: String)
}

extension FileVerification: CustomStringConvertible {
  public var description: String {
    switch self {
    case .buildID(let id): "build-id \(id) matches"
    case .beginning(let count): "its first \(count) bytes are those in memory"
    case .checksum(let sum): "CRC-32 \(hexadecimal: sum) matches"
    case .notVerified(let reason): "not verified: \(reason)"
    }
  }
}

/// A file that was accepted, with the evidence for it.
public struct FoundFile: Sendable {
  public let path: String
  public let place: FilePlace
  public let verification: FileVerification
  public let image: ELFImage
  /// The mapped file; nil for `.miniDebugInfo`, which is unpacked in memory.
  public let mapped: MappedFile?
}

/// Why a candidate wasn't accepted.
public enum RejectionReason: Hashable, Sendable {
  /// It couldn't be opened; most often there is no such file.
  case unreadable(HostError)
  /// It isn't a usable ELF file.
  case notUsable(ObjectError)
  /// It is another build.
  case buildIDMismatch(wanted: BuildID, found: BuildID)
  /// Its first `count` bytes, with the ELF headers, aren't those in memory.
  case beginningMismatch(count: Int)
  /// It has no build-id, but one is wanted.
  case noBuildID(wanted: BuildID)
  /// It isn't the file that `.gnu_debuglink` means.
  case checksumMismatch(wanted: UInt32, found: UInt32)
  /// It is the binary again, not its debug file.
  case sameAsBinary
  /// The name says that the file was deleted while it was mapped, and there is no build-id that
  /// could tell whether the file now there is the same.
  case deletedWhileMapped
  /// The name isn't an absolute path to a file.
  case notAFile
  /// The debuginfod client reports `message`.
  case debuginfod(message: String)
  /// Packed debug information can't be unpacked: `message`.
  case packing(message: String)
}

extension RejectionReason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let error): error.reason
    case .notUsable(let error): error.description
    case .buildIDMismatch(let wanted, let found): "build-id is \(found), wanted \(wanted)"
    case .beginningMismatch(let count):
      "another build: its first \(count) bytes aren't those in memory"
    case .noBuildID(let wanted): "no build-id, wanted \(wanted)"
    case .checksumMismatch(let wanted, let found):
      "CRC-32 is \(hexadecimal: found), wanted \(hexadecimal: wanted)"
    case .sameAsBinary: "the binary itself"
    case .deletedWhileMapped: "deleted while it was mapped, and no build-id to compare"
    case .notAFile: "not a file's absolute path"
    case .debuginfod(let message): message
    case .packing(let message): message
    }
  }

  /// Whether the reason is merely that nothing is there.
  public var isAbsence: Bool {
    if case .unreadable(let error) = self { return error.isAbsence }
    return false
  }
}

/// A candidate that wasn't accepted.
public struct RejectedFile: Hashable, Sendable, CustomStringConvertible {
  public let path: String
  public let place: FilePlace
  public let reason: RejectionReason

  public init(path: String, place: FilePlace, reason: RejectionReason) {
    self.path = path
    self.place = place
    self.reason = reason
  }

  public var description: String { "\(path) (\(place)): \(reason)" }
}

/// All that was found for one module.
public struct ModuleFiles: Sendable {
  public let module: ModuleIdentity
  /// The executable or library itself, for code, CFI and dynamic symbols.
  public internal(set) var binary: FoundFile?
  /// Where its DWARF is; the binary again if it holds it (`.binaryItself`).
  public internal(set) var debugFile: FoundFile?
  /// The file that dwz moved shared DWARF to, if the debug file refers to one.
  public internal(set) var alternateFile: FoundFile?
  /// The symbols packed into the binary (`.gnu_debugdata`).
  public internal(set) var miniDebugInfo: FoundFile?
  /// Every other candidate, in the order they were tried.
  public internal(set) var rejected: [RejectedFile] = []

  init(_ module: ModuleIdentity) { self.module = module }
}

extension String.StringInterpolation {
  /// Eight lower-case hexadecimal digits, as checksums are written.
  mutating func appendInterpolation(hexadecimal value: UInt32) {
    appendLiteral(paddedHex(value, digits: 8))
  }
}
