internal import Bytes
internal import Compression
internal import HostSystem
internal import ObjectFiles

/// The search for one module's files.
struct ModuleSearch {
  private(set) var files: ModuleFiles
  private let finder: DebugFileFinder
  private let module: ModuleIdentity

  /// Symbols packed into a binary are a few per cent of it; this much would be absurd.
  private static let miniDebugInfoLimit: UInt64 = 1 << 30

  /// Goes on from `files`.
  init(_ finder: DebugFileFinder, _ files: ModuleFiles) {
    self.finder = finder
    module = files.module
    self.files = files
  }

  /// Takes the file that the analyst gave for this module, if there is one: a debug file or not.
  private mutating func acceptGiven(
    debugFile: Bool, as place: WritableKeyPath<ModuleFiles, FoundFile?>
  ) -> Bool {
    let fitting = finder.givenFiles.first {
      $0.image.isDebugFile == debugFile && finder.fits($0, module)
    }
    guard let fitting else { return false }
    return accept(
      Candidate(path: fitting.path, place: .given), .buildID(module.buildID), as: place)
  }

  // MARK: The binary

  mutating func findBinary() {
    if acceptGiven(debugFile: false, as: \.binary) { return }
    for candidate in pathCandidates() {
      if accept(candidate, module.requirement, as: \.binary) { return }
    }
    guard let id = module.buildID else { return }
    for candidate in buildIDCandidates(id, suffix: "") {
      if accept(candidate, .buildID(id), as: \.binary) { return }
    }
    download(id, executable: true, as: \.binary)
  }

  /// The name under which the module was mapped, in the system root and as it is.
  private mutating func pathCandidates() -> [Candidate] {
    guard var path = module.path else { return [] }
    let deleted = " (deleted)"
    if path.hasSuffix(deleted) {
      path.removeLast(deleted.count)
      if module.buildID == nil {
        reject(path, .mappedPath, .deletedWhileMapped)
        return []
      }
    }
    // No ".." that would lead out of the system root; kernels give resolved names.
    guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
      reject(path, .mappedPath, .notAFile)
      return []
    }
    let asIs = Candidate(path: path, place: .mappedPath)
    guard let root = finder.places.sysroot else { return [asIs] }
    let below = Candidate(path: Self.join(root, path), place: .sysroot(root: root))
    // The user said that this machine isn't the one; only proof can say otherwise.
    if case .buildID(nil) = module.requirement { return [below] }
    return [below, asIs]
  }

  // MARK: The debug file

  mutating func findDebugFile() {
    if acceptGiven(debugFile: true, as: \.debugFile) { return }
    if let binary = files.binary, Self.hasDebugInformation(binary.image) {
      files.debugFile = FoundFile(
        path: binary.path, place: .binaryItself, verification: binary.verification,
        image: binary.image, mapped: binary.mapped)
      return
    }
    // A binary that could not be verified still says which debug file belongs to it.
    let id = module.buildID ?? files.binary?.image.buildID
    if let id {
      for candidate in buildIDCandidates(id, suffix: ".debug") {
        if accept(candidate, .buildID(id), as: \.debugFile) { return }
      }
    }
    if findByDebugLink(id) { return }
    if let id { download(id, executable: false, as: \.debugFile) }
  }

  private mutating func findByDebugLink(_ id: BuildID?) -> Bool {
    guard let binary = files.binary else { return false }
    let link: ELFDebugLink
    do throws(ObjectError) {
      guard let found = try binary.image.debugLink() else { return false }
      link = found
    } catch {
      reject(binary.path, .debugLink, .notUsable(error))
      return false
    }
    // A build-id proves more than the checksum does, and needn't read all of the file.
    let requirement: Candidate.Requirement =
      id.map { .buildID($0) } ?? .checksum(link.checksum)
    for path in debugLinkPaths(link.fileName, of: binary.path) {
      if accept(Candidate(path: path, place: .debugLink), requirement, as: \.debugFile) {
        return true
      }
    }
    return false
  }

  /// Where GDB's manual ("Debugging Information in Separate Files") says to look.
  private func debugLinkPaths(_ name: String, of binary: String) -> [String] {
    let directory = Self.directory(of: binary)
    var original = directory
    if let root = finder.places.sysroot, directory.hasPrefix(root) {
      original = String(directory.dropFirst(root.count))
    }
    return [Self.join(directory, name), Self.join(directory, ".debug/" + name)]
      + debugRoots().map { Self.join(Self.join($0, original), name) }
  }

  // MARK: What is packed or shared

  mutating func findMiniDebugInfo() {
    guard let binary = files.binary,
      let section = binary.image.section(named: ".gnu_debugdata"), section.type != .noBits
    else { return }
    do throws(ObjectError) {
      let packed = try binary.image.contents(of: section)
      let unpacked: ByteView
      do throws(CompressionError) {
        unpacked = try decompress(packed, .xz, limit: Self.miniDebugInfoLimit)
      } catch {
        return reject(binary.path, .miniDebugInfo, .packing(message: "\(error)"))
      }
      files.miniDebugInfo = FoundFile(
        path: binary.path, place: .miniDebugInfo, verification: binary.verification,
        image: try ELFImage(unpacked), mapped: nil)
    } catch {
      reject(binary.path, .miniDebugInfo, .notUsable(error))
    }
  }

  mutating func findAlternateFile() {
    guard let debugFile = files.debugFile else { return }
    let link: ELFAlternateDebugLink
    do throws(ObjectError) {
      guard let found = try debugFile.image.alternateDebugLink() else { return }
      link = found
    } catch {
      return reject(debugFile.path, .alternateLink, .notUsable(error))
    }
    var candidates: [Candidate] = []
    if link.path.hasPrefix("/") {
      if let root = finder.places.sysroot {
        candidates.append(Candidate(path: Self.join(root, link.path), place: .alternateLink))
      }
      candidates.append(Candidate(path: link.path, place: .alternateLink))
    } else {
      let path = Self.join(Self.directory(of: debugFile.path), link.path)
      candidates.append(Candidate(path: path, place: .alternateLink))
    }
    candidates += buildIDCandidates(link.buildID, suffix: ".debug")
    for candidate in candidates {
      if accept(candidate, .buildID(link.buildID), as: \.alternateFile) { return }
    }
    download(link.buildID, executable: false, as: \.alternateFile)
  }

  static func hasDebugInformation(_ image: ELFImage) -> Bool {
    [".debug_info", ".zdebug_info"].contains { name in
      image.section(named: name).map { $0.type != .noBits && $0.size > 0 } ?? false
    }
  }

  // MARK: Candidates

  /// The debug directories: those of the system root first.
  private func debugRoots() -> [String] {
    let directories = finder.places.debugDirectories
    guard let root = finder.places.sysroot else { return directories }
    return directories.map { Self.join(root, $0) } + directories
  }

  private func buildIDCandidates(_ id: BuildID, suffix: String) -> [Candidate] {
    let digits = id.description
    guard id.bytes.count >= 2 else { return [] }
    let name = ".build-id/\(digits.prefix(2))/\(digits.dropFirst(2))\(suffix)"
    return debugRoots().map {
      Candidate(path: Self.join($0, name), place: .buildIDTree(directory: $0))
    }
  }

  private mutating func accept(
    _ candidate: Candidate, _ requirement: Candidate.Requirement,
    as role: WritableKeyPath<ModuleFiles, FoundFile?>
  ) -> Bool {
    switch candidate.check(requirement) {
    case .success(let file):
      return accept(file, as: role)
    case .failure(let error):
      files.rejected.append(error.file)
      return false
    }
  }

  private mutating func accept(
    _ file: FoundFile, as role: WritableKeyPath<ModuleFiles, FoundFile?>
  ) -> Bool {
    // Links may lead back to the stripped binary, which has the same build-id.
    if role != \.binary, let binary = files.binary?.mapped, let mapped = file.mapped,
      binary.identity == mapped.identity
    {
      reject(file.path, file.place, .sameAsBinary)
      return false
    }
    files[keyPath: role] = file
    return true
  }

  private mutating func download(
    _ id: BuildID, executable: Bool, as role: WritableKeyPath<ModuleFiles, FoundFile?>
  ) {
    guard let service = finder.debuginfod else { return }
    switch service.find(id, executable: executable) {
    case .success(let file): _ = accept(file, as: role)
    case .failure(let error): files.rejected.append(error.file)
    }
  }

  private mutating func reject(_ path: String, _ place: FilePlace, _ reason: RejectionReason) {
    files.rejected.append(RejectedFile(path: path, place: place, reason: reason))
  }

  // MARK: Paths

  /// `path` below `directory`, with one slash between them.
  private static func join(_ directory: String, _ path: String) -> String {
    var base = directory[...]
    while base.hasSuffix("/") { base = base.dropLast() }
    return base + "/" + path.drop { $0 == "/" }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
