import Bytes
public import DebugFiles
public import ObjectFiles
import Unwinding

/// Why a core file gives no process.
public enum TargetError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The CPU is one that Varve has no register tables for.
  case unsupportedMachine(ELFMachine)
  /// The core is of a whole machine, not of a process.
  case notAProcess
  /// The process that runs under this id can't be looked into.
  case unreadable(processID: Int32, reason: String)
  /// No process runs under this id.
  case noSuchProcess(processID: Int32)

  public var description: String {
    switch self {
    case .unsupportedMachine(let machine): "cores of \(machine) processes can't be read yet"
    case .notAProcess: "this is a dump of a machine's memory, not a core of a process"
    case .unreadable(let id, let reason): "process \(id) can't be read: \(reason)"
    case .noSuchProcess(let id): "no process runs under id \(id)"
    }
  }
}

extension Process {
  /// The process that `core` was taken of.
  ///
  /// Pages that the core leaves out because they can be had from a mapped file come from that file,
  /// if `finder` has it and it is still the one that was mapped. Throws `.unsupportedMachine` and
  /// `.notAProcess`.
  public convenience init(
    core: CoreFile, finder: DebugFileFinder
  ) throws(TargetError) {
    guard let architecture = Architecture(core.machine) else {
      throw .unsupportedMachine(core.machine)
    }
    guard core.kind == .process else { throw .notAProcess }
    let layout = ProcessLayout(core)
    let dumped = AddressSpace(layers: [layout.dumped, layout.absent])
    let loaded = LoadedObjectFinder(LoadedObjectFinder.Witnesses(core), memory: dumped)
    let located = loaded.objects.map { object in
      (object: object, files: object.isVDSO ? nil : finder.findBinary(of: object.identity))
    }.filter { object, files in object.isSurelyCode || files?.binary?.image.isLoadable == true }
    let standIns = located.flatMap { object, files in
      files?.binary.map { layout.regions(of: $0.image, standingInFor: object) } ?? []
    }
    let memory = AddressSpace(layers: [layout.dumped, standIns, layout.absent])
    let modules = located.map { object, files in
      Module(object, files: files, finder: finder, architecture: architecture, memory: memory)
    }
    self.init(
      architecture: architecture, memory: memory, mappings: layout.mappings,
      threads: core.threads.enumerated().map { TargetThread(number: $0 + 1, record: $1) },
      modules: modules,
      diagnostics: core.diagnostics.map(\.description) + loaded.diagnostics
        + Self.identityProblems(located)
        + Self.problems(ofGivenFiles: finder, loaded.objects))
  }

  /// What is doubtful about the files found for `objects`: a line for those that were refused, and
  /// one for each that was taken without proof.
  static func identityProblems(
    _ located: [(object: LoadedObject, files: ModuleFiles?)]
  ) -> [String] {
    let refused = located.filter { _, files in
      files.map { $0.binary == nil && $0.rejected.contains { !$0.reason.isAbsence } } ?? false
    }
    var lines: [String] = []
    if let first = refused.first(where: \.object.isProgram) ?? refused.first,
      let reason = first.files?.rejected.first(where: { !$0.reason.isAbsence })
    {
      let others = refused.count == 1 ? "" : " (and \(refused.count - 1) more modules likewise)"
      lines.append(
        "\(first.object.path): the file here isn't the one that was mapped\(others): \(reason);"
          + " --sysroot or --symbols can name the right one")
    }
    return lines
      + located.compactMap { object, files in
        guard let binary = files?.binary, case .notVerified = binary.verification else {
          return nil
        }
        let why = object.buildIDProblem.map { "its build-id can't be read: \($0)" }
        return "\(object.path): \(binary.path) may be another build; \(why ?? "it has no build-id")"
      }
  }

  /// A line for each given file that can't be used.
  static func problems(
    ofGivenFiles finder: DebugFileFinder, _ objects: [LoadedObject]
  ) -> [String] {
    let program = objects.first(where: \.isProgram)
    return finder.unusableGivenFiles.map(\.description)
      + finder.strayGivenFiles(among: objects.map(\.identity)).map { file in
        let found = file.image.buildID.map { "build-id \($0)" } ?? "no build-id"
        let wanted = program?.buildID.map { "; the program's is \($0)" } ?? ""
        return "\(file.path) is not used: it has \(found), which no module of the dump has\(wanted)"
      }
  }
}

extension Module {
  /// `files` are nil for the vdso, which is whole in memory.
  convenience init(
    _ object: LoadedObject, files: ModuleFiles?, finder: DebugFileFinder,
    architecture: Architecture, memory: AddressSpace
  ) {
    let located = Lazy { files.map { finder.complete($0) } }
    self.init(
      path: object.path, range: object.range,
      bias: object.bias(correctedBy: files?.binary?.image),
      buildID: object.buildID ?? files?.provenBuildID,
      isProgram: object.isProgram, linkName: files == nil ? nil : object.linkName, files: located
    ) {
      let reader = ModuleReader(object: object, architecture: architecture, memory: memory)
      guard let files = located.value else { return reader.contentsOfImageInMemory() }
      return reader.contents(of: files)
    }
  }
}

extension ModuleFiles {
  /// The binary's build-id, if the binary was proved to be the right one in another way.
  fileprivate var provenBuildID: BuildID? {
    guard let binary, case .beginning = binary.verification else { return nil }
    return binary.image.buildID
  }
}

extension LoadedObject {
  /// What its files are looked for by.
  var identity: ModuleIdentity {
    ModuleIdentity(path: path, buildID: buildID, beginning: beginning)
  }

  /// The bias. When not even the object's first page was dumped, `binary` tells which address its
  /// first mapping was linked at.
  func bias(correctedBy binary: ELFImage?) -> UInt64 {
    guard image == nil,
      let first = binary?.segments.filter({ $0.type == .load }).map(\.address).min()
    else { return bias }
    return base.rawValue &- (first.rawValue & ~0xfff)
  }
}

extension ProcessLayout {
  /// What `binary` can stand in for where the core has no bytes: the read-only mappings of
  /// `object`. A page that could be written may have been, so the file says nothing about it.
  func regions(of binary: ELFImage, standingInFor object: LoadedObject) -> [MemoryRegion] {
    mappings.compactMap { mapping in
      guard mapping.path == object.path, object.range.contains(mapping.start),
        let offset = mapping.fileOffset,
        mapping.protection?.contains(.write) == false
          || (mapping.protection == nil && binary.isReadOnly(at: mapping.start &- object.bias))
      else { return nil }
      let bytes = binary.bytes.clampedSubview(at: offset.rawValue, count: mapping.count)
      guard !bytes.isEmpty else { return nil }
      return MemoryRegion(
        start: mapping.start, count: UInt64(bytes.count), contents: .file(bytes, path: object.path))
    }
  }
}

extension ELFImage {
  /// Whether this is a program or a library.
  var isLoadable: Bool { header.type == .executable || header.type == .sharedObject }

  /// Whether the segment that holds the link-time `address` may not be written.
  func isReadOnly(at address: VirtualAddress) -> Bool {
    segments.contains {
      $0.type == .load && $0.contains(address) && !$0.permissions.contains(.write)
    }
  }
}
