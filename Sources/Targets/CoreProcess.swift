public import Bytes
public import HostSystem
public import ObjectFiles
import Unwinding

/// Why a core file gives no process.
public enum TargetError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The CPU is one that Varve has no register tables for.
  case unsupportedMachine(ELFMachine)

  public var description: String {
    switch self {
    case .unsupportedMachine(let machine): "cores of \(machine) processes can't be read yet"
    }
  }
}

extension Process {
  /// The process that `core` was taken of.
  ///
  /// Pages that the core leaves out because they can be had from a mapped file come from that file,
  /// if it is still the one that was mapped. Throws `.unsupportedMachine`.
  public convenience init(core: CoreFile) throws(TargetError) {
    guard let architecture = Architecture(core.machine) else {
      throw .unsupportedMachine(core.machine)
    }
    let layout = ProcessLayout(core)
    let dumped = AddressSpace(layers: [layout.dumped])
    let finder = LoadedObjectFinder(core: core, memory: dumped)
    var fileRegions: [MemoryRegion] = []
    var located: [(object: LoadedObject, binary: ELFImage?)] = []
    for object in finder.objects {
      let binary = Self.temporaryBinary(object, dumped)
      located.append((object, binary))
      if let binary { fileRegions += layout.regions(of: binary, standingInFor: object) }
    }
    let memory = AddressSpace(layers: [layout.dumped, fileRegions, layout.absent])
    let modules = located.map { object, binary in
      Module(
        path: object.path, range: object.range, bias: object.bias, buildID: object.buildID,
        isProgram: object.isProgram
      ) {
        var reader = ModuleReader(object: object, architecture: architecture, memory: memory)
        return reader.contents(
          binary: binary, debug: Self.temporaryDebug(object), alternate: nil, miniDebug: nil)
      }
    }
    self.init(
      architecture: architecture, memory: memory, mappings: layout.mappings,
      threads: core.threads.enumerated().map { TargetThread(number: $0 + 1, record: $1) },
      modules: modules,
      diagnostics: core.diagnostics.map(\.description) + finder.diagnostics)
  }

  private static func temporaryBinary(_ object: LoadedObject, _ memory: AddressSpace) -> ELFImage? {
    if object.isVDSO {
      guard let region = memory.region(containing: object.base), let bytes = region.bytes else {
        return nil
      }
      return try? ELFImage(bytes)
    }
    guard let file = try? MappedFile.open(object.path), let image = try? ELFImage(file.bytes),
      image.buildID == object.buildID
    else { return nil }
    return image
  }

  private static func temporaryDebug(_ object: LoadedObject) -> ELFImage? {
    guard let id = object.buildID?.description else { return nil }
    guard
      let file = try? MappedFile.open(
        "/usr/lib/debug/.build-id/\(id.prefix(2))/\(id.dropFirst(2)).debug")
    else { return nil }
    return try? ELFImage(file.bytes)
  }
}

extension ProcessLayout {
  /// What `binary` can stand in for where the core has no bytes: the read-only mappings of
  /// `object`. A page that could be written may have been, so the file says nothing about it.
  func regions(of binary: ELFImage, standingInFor object: LoadedObject) -> [MemoryRegion] {
    mappings.compactMap { mapping in
      guard mapping.path == object.path, object.range.contains(mapping.start),
        let offset = mapping.fileOffset, mapping.protection?.contains(.write) == false
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
  /// Whether the segment that holds the link-time `address` may not be written.
  func isReadOnly(at address: VirtualAddress) -> Bool {
    segments.contains {
      $0.type == .load && $0.contains(address) && !$0.permissions.contains(.write)
    }
  }
}
