/// What a path names, opened: the outermost layer.
enum Subject {
  /// The core of a process.
  case process(CoreDump)
  /// A machine's memory by itself.
  case machine(MachineSource)
  /// A process that runs.
  case live(RunningInput)

  /// Opens a core of a process, a vmcore, `FILE@ADDR` for raw memory, or `pid:N`. Throws a
  /// `VarveError` that names the file.
  init(
    opening path: String, options: MachineOptions, progress: ProgressHandler
  ) throws(VarveError) {
    do {
      if let processID = Self.processID(path) {
        self = .live(try RunningInput(processID, as: path, places: options.places))
        return
      }
      if let parts = try Self.rawMemory(path) {
        let dump = try MachineDump(raw: parts)
        self = .machine(
          MachineSource(
            dump, path: path, files: dump.rawFiles, inputs: dump.rawFiles.map(\.identity),
            places: options.places))
        return
      }
      let file = try InputFile.open(path, progress: progress)
      if try Self.isCoreOfProcess(file.bytes) {
        self = .process(try CoreDump(file, places: options.places, progress: progress))
      } else {
        let dump = try MachineDump(file.mapped, path: path, progress: progress)
        progress(nil)
        self = .machine(
          MachineSource(
            dump, path: path, files: [file.mapped], inputs: [file.identity],
            places: options.places, warnings: file.warnings))
      }
    } catch let error as VarveError {
      throw error
    } catch {
      progress(nil)
      throw VarveError(file: path, reason: "\(error)")
    }
  }

  /// The number in `pid:N`; nil if `path` is something else.
  static func processID(_ path: String) -> Int32? {
    guard path.hasPrefix("pid:"), let number = Int32(path.dropFirst(4)), number > 0 else {
      return nil
    }
    return number
  }

  /// The parts of raw memory that `path` lists, joined by commas; nil if it is the name of a file,
  /// which may be called `core@12`.
  private static func rawMemory(_ path: String) throws(MachineDumpError) -> [RawMemory]? {
    if Host.isReadable(path) { return nil }
    var parts: [RawMemory] = []
    for text in path.split(separator: ",", omittingEmptySubsequences: false) {
      guard let part = try RawMemory(String(text)) else { return nil }
      parts.append(part)
    }
    return parts
  }

  private static func isCoreOfProcess(_ bytes: ByteView) throws(ObjectError) -> Bool {
    guard MachineDump.detect(bytes) == .elf else { return false }
    do throws(ObjectError) {
      return try CoreFile(bytes).kind == .process
    } catch .unsupported {
      // ELF of 32 bits, as QEMU writes it of guests outside long mode: no process that is read here.
      return false
    }
  }
}
