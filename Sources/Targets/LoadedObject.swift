import Bytes
import ObjectFiles

/// An ELF object in a process's memory, before any file was looked for.
struct LoadedObject {
  let path: String
  let base: VirtualAddress
  let range: Range<VirtualAddress>
  let bias: UInt64
  let buildID: BuildID?
  /// Why the build-id can't be read; nil if it can, or if there is none.
  let buildIDProblem: String?
  /// How the object begins in memory, as far as that was dumped: up to a page.
  let beginning: [UInt8]
  /// The headers in memory; nil when the dump lacks the page they are on.
  let image: LoadedELFImage?
  let isProgram: Bool
  let isVDSO: Bool
  /// Its headers, its code or the link map show that it is a program or library. Otherwise it may be
  /// any file that was mapped and whose pages the dump lacks: an archive, say.
  var isSurelyCode = true
  /// The link map's name for it.
  var linkName: String?
}

/// Collects the objects of a process from three witnesses: the dynamic linker's link map, the list
/// of mapped files (NT_FILE) and the auxiliary vector.
struct LoadedObjectFinder {
  /// What tells of the objects besides memory itself.
  struct Witnesses {
    var mappedFiles: [CoreMappedFile]
    var auxiliaryVector: [CoreAuxiliaryEntry]
    /// What may be done with which memory.
    var protections: [(range: ClosedRange<VirtualAddress>, permissions: ELFPermissions)]
    /// What the program is called if nothing better is known.
    var programName: String?

    func auxiliaryValue(_ type: UInt64) -> UInt64? {
      auxiliaryVector.first { $0.type == type }?.value
    }
  }

  let witnesses: Witnesses
  let memory: AddressSpace
  private(set) var objects: [LoadedObject] = []
  private(set) var diagnostics: [String] = []

  init(_ witnesses: Witnesses, memory: AddressSpace) {
    self.witnesses = witnesses
    self.memory = memory
    addMappedFiles()
    addProgram()
    addVDSO()
    addLinkMap()
    objects.sort { $0.base < $1.base }
  }

  /// The auxiliary vector's address of the program's own headers lies in the program.
  private func isProgram(_ range: Range<VirtualAddress>) -> Bool {
    guard let headers = witnesses.auxiliaryValue(CoreAuxiliaryEntry.programHeaders) else {
      return false
    }
    return range.contains(VirtualAddress(headers))
  }

  /// Mapped files that begin with an ELF header. Mappings of the same path that follow each other
  /// belong to one object; a second one that starts anew at offset 0 is loaded twice.
  private mutating func addMappedFiles() {
    let files = witnesses.mappedFiles.sorted { $0.start < $1.start }
    var index = 0
    while index < files.count {
      let first = files[index]
      var end = first.end
      var next = index + 1
      while next < files.count, files[next].path == first.path,
        files[next].fileOffset.rawValue != 0
      {
        end = max(end, files[next].end)
        next += 1
      }
      if first.fileOffset.rawValue == 0, first.start < end {
        addMappedFile(first, range: first.start..<end)
      }
      index = next
    }
  }

  private mutating func addMappedFile(
    _ file: CoreMappedFile, range: Range<VirtualAddress>
  ) {
    do throws(ObjectError) {
      let image = try LoadedELFImage(at: file.start, memory: memory)
      // Debug files and the like are mapped too, by programs that read them.
      guard image.header.type == .executable || image.header.type == .sharedObject else { return }
      add(path: file.path, base: file.start, mapped: range, image: image)
    } catch .memory {
      // The dump lacks even the first page. It is a program or library if code was mapped from it;
      // where nothing tells, the file will.
      let permissions = permissions(in: range)
      let isCode = permissions.contains { $0.contains(.execute) }
      guard isCode || permissions.isEmpty else { return }
      objects.append(
        LoadedObject(
          path: file.path, base: file.start, range: range, bias: file.start.rawValue, buildID: nil,
          buildIDProblem: nil, beginning: [],
          image: nil, isProgram: isProgram(range), isVDSO: false, isSurelyCode: isCode))
    } catch {
      // Not an ELF file: a locale archive, a disk image, shared memory.
      return
    }
  }

  /// What could be done with the memory in `range`; none if it has none there.
  private func permissions(in range: Range<VirtualAddress>) -> [ELFPermissions] {
    witnesses.protections.filter {
      $0.range.lowerBound < range.upperBound && $0.range.upperBound >= range.lowerBound
    }.map(\.permissions)
  }

  private mutating func add(
    path: String, base: VirtualAddress, mapped: Range<VirtualAddress>?, image: LoadedELFImage,
    isVDSO: Bool = false
  ) {
    guard let extent = image.extent ?? mapped else { return }
    let lower = min(base, extent.lowerBound)
    let range = lower..<max(extent.upperBound, mapped?.upperBound ?? extent.upperBound)
    var buildID: BuildID?
    var problem: String?
    do throws(ObjectError) {
      buildID = try image.buildID(in: memory)
    } catch {
      problem = "\(error)"
    }
    let beginning = memory.rest(at: base, limit: 4096)
    objects.append(
      LoadedObject(
        path: path, base: base, range: range, bias: image.bias, buildID: buildID,
        buildIDProblem: problem, beginning: beginning?.copy() ?? [], image: image,
        isProgram: isProgram(range), isVDSO: isVDSO))
  }

  /// The program by the auxiliary vector, in a core without NT_FILE. Its program headers follow its
  /// ELF header in every file that linkers make.
  private mutating func addProgram() {
    guard !objects.contains(where: \.isProgram),
      let headers = witnesses.auxiliaryValue(CoreAuxiliaryEntry.programHeaders)
    else { return }
    var path = witnesses.programName ?? "the program"
    if let name = witnesses.auxiliaryValue(CoreAuxiliaryEntry.executableName) {
      do throws(MemoryFault) {
        let text = try memory.cString(at: VirtualAddress(name), limit: LinkMapEntry.pathLimit)
        path = String(decoding: text.bytes, as: UTF8.self)
      } catch {
        diagnostics.append("the program's file name can't be read: \(error)")
      }
    }
    let base = VirtualAddress(headers & ~0xfff)
    do throws(ObjectError) {
      add(path: path, base: base, mapped: nil, image: try LoadedELFImage(at: base, memory: memory))
    } catch {
      diagnostics.append("\(path): its headers at \(base) can't be read: \(error)")
    }
  }

  private mutating func addVDSO() {
    guard let address = witnesses.auxiliaryValue(CoreAuxiliaryEntry.vdso) else { return }
    do throws(ObjectError) {
      let image = try LoadedELFImage(at: VirtualAddress(address), memory: memory)
      add(path: "[vdso]", base: VirtualAddress(address), mapped: nil, image: image, isVDSO: true)
    } catch {
      diagnostics.append("the vdso at \(VirtualAddress(address)) can't be read: \(error)")
    }
  }

  /// What the dynamic linker lists and NT_FILE didn't: everything, in a core without that note.
  private mutating func addLinkMap() {
    guard let program = objects.first(where: \.isProgram), let image = program.image else { return }
    let debugAddress: VirtualAddress?
    do throws(ObjectError) {
      debugAddress = try image.dynamicSection(in: memory)?.debugAddress
    } catch {
      diagnostics.append("\(program.path): its dynamic section can't be read: \(error)")
      return
    }
    guard let debugAddress, debugAddress.rawValue != 0 else { return }
    let (entries, end) = LinkMapEntry.list(fromDebugStructure: debugAddress, in: memory)
    if let end { diagnostics.append(end) }
    for entry in entries where !entry.path.isEmpty {
      if let known = objects.firstIndex(where: { $0.range.contains(entry.dynamicSection) }) {
        objects[known].linkName = entry.path
        objects[known].isSurelyCode = true
        continue
      }
      do throws(ObjectError) {
        let loaded = try LoadedELFImage(at: VirtualAddress(entry.bias), memory: memory)
        add(path: entry.path, base: VirtualAddress(entry.bias), mapped: nil, image: loaded)
      } catch {
        diagnostics.append(
          "\(entry.path) is in the link map, but its headers can't be read: \(error)")
      }
    }
  }
}

extension LoadedObjectFinder.Witnesses {
  init(_ core: CoreFile) {
    self.init(
      mappedFiles: core.mappedFiles, auxiliaryVector: core.auxiliaryVector,
      protections: core.segments.filter { $0.memorySize > 0 }.map {
        ($0.address...$0.lastAddress, $0.permissions)
      },
      programName: core.processInfo?.name)
  }
}
