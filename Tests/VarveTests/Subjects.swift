import TestWorlds
import Testing
import Varve

/// Dumps of the laboratory that these tests damage copies of.
enum Subjects {
  /// The core and the program of the subject `name`.
  static func core(_ name: String) throws -> (core: String, program: String?) {
    let subject = try LaboratoryManifest.subject(name)
    return (try #require(subject.core), subject.executable)
  }

  /// Finds files on this machine; asks no server.
  static let finder = DebugFileFinder(DebugFilePlaces(debuginfod: .off))

  /// Finds nothing.
  static let noFiles = DebugFileFinder(
    DebugFilePlaces(
      sysroot: "/nonexistent", debugDirectories: [], debuginfod: .off))
}
