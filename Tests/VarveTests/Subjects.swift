import Foundation
import Testing
import Varve

/// Dumps of the laboratory that these tests damage copies of.
enum Subjects {
  private struct Manifest: Decodable {
    struct Subject: Decodable {
      let name: String
      let core: String?
      let executable: String?
    }
    let subjects: [Subject]
  }

  /// The core and the program of the subject `name`.
  static func core(_ name: String) throws -> (core: String, program: String?) {
    let root =
      ProcessInfo.processInfo.environment["VARVE_LAB"] ?? NSHomeDirectory() + "/.cache/varve-lab"
    let manifest = URL(fileURLWithPath: root + "/manifest.json")
    let subjects = try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: manifest))
      .subjects
    let subject = try #require(
      subjects.first { $0.name == name }, "the laboratory has no \(name): run make lab")
    return (try #require(subject.core), subject.executable)
  }

  /// Finds files on this machine; asks no server.
  static let finder = DebugFileFinder(DebugFilePlaces(debuginfod: .off))

  /// Finds nothing.
  static let noFiles = DebugFileFinder(
    DebugFilePlaces(
      sysroot: "/nonexistent", debugDirectories: [], debuginfod: .off))
}
