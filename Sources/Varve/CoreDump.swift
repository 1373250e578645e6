/// A core dump, opened: the process that it was taken of.
public struct CoreDump: Sendable {
  /// The path as it was given.
  public let path: String
  public let core: CoreFile
  public let process: Process

  /// Opens the core at `path`. Throws a `VarveError` that names the file.
  public init(
    opening path: String, search: FileSearch = FileSearch(), progress: ProgressHandler = .silent
  ) throws(VarveError) {
    self.path = path
    do {
      let file = try MappedFile.open(path)
      core = try CoreFile(file.bytes)
      process = try Process(core: core)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }
}

/// Why a file can't be used: one line, with the file's name and where in it.
public struct VarveError: Error, Hashable, Sendable, CustomStringConvertible {
  public let file: String
  public let reason: String

  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  public var description: String { "\(file): \(reason)" }
}
