import Bytes
public import DebugFiles
import HostSystem
import ObjectFiles
import Unwinding

extension Process {
  /// The process that runs under `processID` on this machine.
  ///
  /// It is neither stopped nor traced. Memory is fetched when it is wanted, so what is read at
  /// different times need not belong together unless the process was made to pause before. Threads
  /// that wait in a system call have their stack pointer and program counter; all other registers
  /// are unknown. Throws `.unreadable` without the permission that a debugger needs (ptrace(2)), and
  /// `.unsupportedMachine`.
  public convenience init(
    live processID: Int32, finder: DebugFileFinder
  ) throws(TargetError) {
    let layout: LiveLayout
    do throws(HostError) {
      layout = try LiveLayout(ProcessFiles(processID))
    } catch {
      throw .unreadable(processID: processID, reason: "\(error)")
    }
    guard let architecture = Architecture(layout.machine) else {
      throw .unsupportedMachine(layout.machine)
    }
    let memory = AddressSpace(layers: [layout.regions])
    let loaded = LoadedObjectFinder(layout.witnesses, memory: memory)
    let located = loaded.objects.map { object in
      (object: object, files: object.isVDSO ? nil : finder.findBinary(of: object.identity))
    }.filter { object, files in object.isSurelyCode || files?.binary?.image.isLoadable == true }
    let modules = located.map { object, files in
      Module(object, files: files, finder: finder, architecture: architecture, memory: memory)
    }
    self.init(
      architecture: architecture, memory: memory, mappings: layout.mappings,
      threads: layout.threads, modules: modules,
      diagnostics: layout.diagnostics + loaded.diagnostics + Self.identityProblems(located)
        + Self.problems(ofGivenFiles: finder, loaded.objects))
  }
}

/// What `/proc` tells of a process.
struct LiveLayout {
  let machine: ELFMachine
  private(set) var regions: [MemoryRegion] = []
  private(set) var mappings: [Mapping] = []
  private(set) var threads: [TargetThread] = []
  private(set) var witnesses = LoadedObjectFinder.Witnesses(
    mappedFiles: [], auxiliaryVector: [], protections: [], programName: nil)
  private(set) var diagnostics: [String] = []

  init(_ files: ProcessFiles) throws(HostError) {
    let memory = try LiveMemory(files)
    let lines = ProcessMapLine.list(String(decoding: try files.contents("maps")))
    let machine = try Self.machine(files)
    self.machine = machine.machine
    if let doubt = machine.doubt { diagnostics.append(doubt) }
    for line in lines { add(line, files, memory) }
    try addAuxiliaryVector(files)
    let names = try files.contents("comm")
    witnesses.programName = String(
      String(decoding: names).prefix { $0 != "\n" })
    try addThreads(files)
  }

  /// By the header of the program's file.
  private static func machine(
    _ files: ProcessFiles
  ) throws(HostError) -> (machine: ELFMachine, doubt: String?) {
    let start = try files.open("exe").bytes(at: 0, count: Int(ELFHeader.size))
    do throws(ObjectError) {
      return (try ELFHeader(start).machine, nil)
    } catch {
      // Another class or byte order: no table of Varve's fits.
      return (ELFMachine(rawValue: 0), "the program: \(error)")
    }
  }

  private mutating func add(
    _ line: ProcessMapLine, _ files: ProcessFiles, _ memory: LiveMemory
  ) {
    let mapping = line.mapping
    let end = mapping.start &+ mapping.count
    mappings.append(mapping)
    witnesses.protections.append(
      (
        mapping.start...(mapping.start &+ (mapping.count - 1)),
        ELFPermissions(rawValue: mapping.protection?.rawValue ?? 0)
      ))
    if !line.isAnonymous, let path = mapping.path, let offset = mapping.fileOffset {
      witnesses.mappedFiles.append(
        CoreMappedFile(start: mapping.start, end: end, fileOffset: offset, path: path))
    }
    regions.append(
      MemoryRegion(
        start: mapping.start, count: mapping.count, contents: contents(line, files, memory)))
  }

  private mutating func contents(
    _ line: ProcessMapLine, _ files: ProcessFiles, _ memory: LiveMemory
  ) -> MemoryRegion.Contents {
    let mapping = line.mapping
    var own = LiveRegionSource(
      memory: memory, isPrivateAnonymous: line.isAnonymous && !line.isShared)
    if !line.isAnonymous, let offset = mapping.fileOffset,
      line.isShared || mapping.protection?.contains(.write) == true,
      let file = open(fileOf: mapping, files)
    {
      let shared = SharedFileMemory(file: file)
      if line.isShared { return .fetched(shared, offset: offset.rawValue) }
      own.file = (shared, offset: offset.rawValue &- mapping.start.rawValue)
    }
    return .fetched(own, offset: mapping.start.rawValue)
  }

  /// The file that is mapped there, whatever its name leads to now; nil for a device's memory.
  private mutating func open(fileOf mapping: Mapping, _ files: ProcessFiles) -> OpenFile? {
    let end = mapping.start &+ mapping.count
    let name = "\(mapping.start.rawValue.hexDigits)-\(end.rawValue.hexDigits)"
    do throws(HostError) {
      return try files.open("map_files/\(name)")
    } catch .notRegularFile {
      return nil
    } catch {
      // A library's few variables aren't worth a word.
      guard mapping.count >= Self.worthTelling else { return nil }
      diagnostics.append(
        "\(mapping.path ?? "shared memory") at \(mapping.start) is read through the process, which"
          + " allocates what it never touched: \(error)")
      return nil
    }
  }

  /// In bytes.
  private static let worthTelling: UInt64 = 4 << 20

  private mutating func addAuxiliaryVector(_ files: ProcessFiles) throws(HostError) {
    let bytes = try files.contents("auxv")
    do throws(ByteError) {
      witnesses.auxiliaryVector = try CoreAuxiliaryEntry.decode(bytes)
    } catch {
      diagnostics.append("the auxiliary vector can't be read: \(error)")
    }
  }

  // MARK: Threads

  private mutating func addThreads(_ files: ProcessFiles) throws(HostError) {
    for id in try files.threadIDs() {
      var registers = RegisterState()
      do throws(HostError) {
        let text = String(decoding: try files.contents("task/\(id)/syscall"))
        registers = Self.registers(text, Architecture(machine))
      } catch {
        // The thread has ended meanwhile, or its registers are nobody's business.
      }
      threads.append(
        TargetThread(
          number: threads.count + 1, lwp: UInt32(bitPattern: id), registers: registers))
    }
  }

  /// What `/proc/PID/task/TID/syscall` says: `running`, or the system call's number, its arguments if
  /// the thread is in one, and at the end stack pointer and program counter (proc_pid_syscall(5)).
  static func registers(_ text: String, _ architecture: Architecture?) -> RegisterState {
    var state = RegisterState()
    let words = text.split(whereSeparator: \.isWhitespace)
    guard let architecture, words.count >= 3, let stack = words[words.count - 2].hexNumber,
      let counter = words[words.count - 1].hexNumber
    else { return state }
    state[architecture.stackPointer] = stack
    state[architecture.programCounter] = counter
    return state
  }
}

extension Substring {
  /// The number that `0x` and digits write.
  fileprivate var hexNumber: UInt64? {
    hasPrefix("0x") ? UInt64(dropFirst(2), radix: 16) : nil
  }
}

extension UInt64 {
  /// Without `0x` and padding, as the names in `map_files` are written.
  fileprivate var hexDigits: String { String(self, radix: 16) }
}
