internal import Bytes
internal import Compression
internal import HostSystem
internal import ObjectFiles

/// Where to look for binaries and debug files.
public struct DebugFilePlaces: Hashable, Sendable {
  /// A directory that holds the files of the system on which the process ran.
  public var sysroot: String?
  /// Directories with a `.build-id` tree and a copy of the file hierarchy.
  public var debugDirectories: [String]
  /// Whether to ask debuginfod servers.
  public var debuginfod: DebuginfodPolicy
  /// Files that the analyst named; each serves the module whose build-id it has.
  public var givenFiles: [String]

  public init(
    sysroot: String? = nil, debugDirectories: [String] = ["/usr/lib/debug"],
    debuginfod: DebuginfodPolicy = .environment, givenFiles: [String] = []
  ) {
    self.sysroot = sysroot
    self.debugDirectories = debugDirectories
    self.debuginfod = debuginfod
    self.givenFiles = givenFiles
  }
}

/// Finds the files of modules and says why each is the right one.
public struct DebugFileFinder: Sendable {
  public let places: DebugFilePlaces
  /// The given files that can be read, not yet assigned to any module.
  public let givenFiles: [FoundFile]
  /// The given files that can't be read, and why.
  public let unusableGivenFiles: [RejectedFile]
  let debuginfod: DebuginfodService?

  /// `downloads` is told how far each download has come and returns false to give it up.
  public init(
    _ places: DebugFilePlaces,
    downloads: (@Sendable (DebuginfodProgress) -> Bool)? = nil
  ) {
    self.places = places
    debuginfod = DebuginfodService(places.debuginfod, progress: downloads)
    var given: [FoundFile] = []
    var unusable: [RejectedFile] = []
    for path in places.givenFiles {
      switch Candidate(path: path, place: .given).check(.buildID(nil)) {
      case .success(let file): given.append(file)
      case .failure(let error): unusable.append(error.file)
      }
    }
    givenFiles = given
    unusableGivenFiles = unusable
  }

  /// Looks for everything there is for `module`.
  public func find(_ module: ModuleIdentity) -> ModuleFiles {
    complete(findBinary(of: module))
  }

  /// Looks for the file that was mapped, and for nothing else yet.
  public func findBinary(of module: ModuleIdentity) -> ModuleFiles {
    var search = ModuleSearch(self, ModuleFiles(module))
    search.findBinary()
    return search.files
  }

  /// Adds to what `findBinary` gave whatever there is of debug information.
  public func complete(_ files: ModuleFiles) -> ModuleFiles {
    var search = ModuleSearch(self, files)
    search.findMiniDebugInfo()
    search.findDebugFile()
    search.findAlternateFile()
    return search.files
  }

  /// The given files that fit none of `modules`, with the build-ids they have.
  public func strayGivenFiles(among modules: [ModuleIdentity]) -> [FoundFile] {
    givenFiles.filter { file in !modules.contains { fits(file, $0) } }
  }

  /// Whether a given file is `module`'s: by build-id, or where the dump has none, by name.
  func fits(_ file: FoundFile, _ module: ModuleIdentity) -> Bool {
    if let wanted = module.buildID { return file.image.buildID == wanted }
    guard let path = module.path else { return false }
    return path.split(separator: "/").last == file.path.split(separator: "/").last
  }

  /// Opens the file `path` that the user named for `module`; the result says whether it fits.
  public func open(_ path: String, for module: ModuleIdentity) -> Result<FoundFile, RejectedError> {
    Candidate(path: path, place: .given).check(.buildID(module.buildID))
  }
}

/// A rejected candidate, to be thrown.
public struct RejectedError: Error, Sendable, CustomStringConvertible {
  public let file: RejectedFile
  public var description: String { file.description }
}

/// A file that may be the one.
struct Candidate {
  let path: String
  let place: FilePlace

  /// What the file must prove.
  enum Requirement {
    /// Its build-id; nil if none is known, so that nothing can be proved.
    case buildID(BuildID?)
    /// That it begins with these bytes, which the process had mapped.
    case beginning([UInt8])
    /// The checksum in a `.gnu_debuglink`, because the binary has no build-id.
    case checksum(UInt32)
  }

  func check(_ requirement: Requirement) -> Result<FoundFile, RejectedError> {
    do throws(HostError) {
      return check(requirement, try MappedFile.open(path))
    } catch {
      return rejected(.unreadable(error))
    }
  }

  func check(_ requirement: Requirement, _ file: MappedFile) -> Result<FoundFile, RejectedError> {
    let image: ELFImage
    do throws(ObjectError) {
      image = try ELFImage(file.bytes)
    } catch {
      return rejected(.notUsable(error))
    }
    let verification: FileVerification
    switch requirement {
    case .buildID(let wanted?):
      guard let found = image.buildID else { return rejected(.noBuildID(wanted: wanted)) }
      guard found == wanted else {
        return rejected(.buildIDMismatch(wanted: wanted, found: found))
      }
      verification = .buildID(found)
    case .buildID(nil):
      verification = .notVerified(reason: "the module's build-id isn't known")
    case .beginning(let wanted):
      guard file.bytes.clampedSubview(at: 0, count: UInt64(wanted.count)).copy() == wanted else {
        return rejected(.beginningMismatch(count: wanted.count))
      }
      verification = .beginning(count: wanted.count)
    case .checksum(let wanted):
      let found = crc32Checksum(file.bytes)
      guard found == wanted else {
        return rejected(.checksumMismatch(wanted: wanted, found: found))
      }
      verification = .checksum(found)
    }
    return .success(
      FoundFile(
        path: path, place: place, verification: verification, image: image, mapped: file))
  }

  func rejected(_ reason: RejectionReason) -> Result<FoundFile, RejectedError> {
    .failure(RejectedError(file: RejectedFile(path: path, place: place, reason: reason)))
  }
}
