/// A core dump, opened: the process that it was taken of.
public struct CoreDump: Sendable {
  /// The file, unpacked if it was packed.
  public let file: InputFile
  public let core: CoreFile
  public let process: Process

  /// Opens the core at `path`. Throws a `VarveError` that names the file.
  public init(
    opening path: String, places: DebugFilePlaces = DebugFilePlaces(),
    progress: ProgressHandler = .silent
  ) throws(VarveError) {
    if let processID = Subject.processID(path) {
      throw VarveError(
        file: path,
        reason:
          "this needs a core, and that is a process that runs: take one with gcore \(processID)"
      )
    }
    let file: InputFile
    do {
      file = try InputFile.open(path, progress: progress)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
    try self.init(file, places: places, progress: progress)
  }

  /// The core in `file`. Throws a `VarveError` that names the file.
  init(
    _ file: InputFile, places: DebugFilePlaces, progress: ProgressHandler
  ) throws(VarveError) {
    self.file = file
    do {
      core = try CoreFile(file.bytes)
      let finder = DebugFileFinder(places) { step in
        let what = step.isExecutable ? "program" : "debug information"
        progress(
          ProgressStep(
            what: "downloading \(what) \(step.buildID)", done: UInt64(max(0, step.done)),
            total: step.total > 0 ? UInt64(step.total) : nil))
        return true
      }
      process = try Process(core: core, finder: finder)
      progress(nil)
    } catch {
      progress(nil)
      throw VarveError(file: file.path, reason: "\(error)")
    }
  }

  /// The path as it was given.
  public var path: String { file.path }

  /// What was damaged or missing when the file was opened, a line each.
  public var warnings: [String] {
    file.warnings + process.diagnostics
  }
}

extension InputFile {
  /// Opens `path` as `open` does, showing how far unpacking has come.
  static func open(_ path: String, progress: ProgressHandler) throws(InputFileError) -> InputFile {
    defer { progress(nil) }
    return try open(path) { step in
      progress(
        ProgressStep(what: "unpacking \(path)", done: step.packedBytes, total: step.packedSize))
      return true
    }
  }

  /// What is lost of it, a line each.
  var warnings: [String] {
    damage.map { ["the packed file is damaged or cut short: \($0)"] } ?? []
  }
}

/// Why a file can't be used: one line, with the file's name and where in it.
public struct VarveError: Error, Hashable, Sendable, CustomStringConvertible {
  public let file: String
  public let reason: String

  public init(file: String, reason: String) {
    self.file = file
    // Most errors of the host name the file themselves.
    self.reason = reason.hasPrefix("\(file): ") ? String(reason.dropFirst(file.count + 2)) : reason
  }

  public var description: String { "\(file): \(reason)" }
}
