import Foundation
import Testing
import Varve

/// The laboratory's real dumps, and where the answers of other tools lie.
enum Laboratory {
  /// One entry of the manifest: a dump, or something that dumps are made with.
  struct Subject: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let kind: String
    let core: String?
    /// The program hasn't any symbols.
    let stripped: Bool?
    /// The directory that its separate debug file is in.
    let debugDirectory: String?
    /// The root that its libraries are below.
    let sysroot: String?
    /// The subject that this one was cut or packed from.
    let variantOf: String?
    /// File names by what they hold.
    let truth: [String: String]

    private enum CodingKeys: String, CodingKey {
      case name, kind, core, stripped, sysroot, truth
      case debugDirectory = "debug_directory"
      case variantOf = "variant_of"
    }

    var testDescription: String { name }

    /// Where Varve is told to look for this subject's files. Nothing is downloaded.
    var places: DebugFilePlaces {
      var places = DebugFilePlaces(sysroot: sysroot, debuginfod: .off)
      // As gdb was told: this directory, and not the system's as well.
      if let debugDirectory { places.debugDirectories = [debugDirectory] }
      return places
    }

    /// What another tool said, or nil if it wasn't asked.
    func answer(_ key: String) throws -> String? {
      guard let path = truth[key] else { return nil }
      return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
  }

  private struct Manifest: Decodable {
    let subjects: [Subject]
  }

  static let root =
    ProcessInfo.processInfo.environment["VARVE_LAB"] ?? NSHomeDirectory() + "/.cache/varve-lab"

  /// The manifest's subjects, or why they can't be had.
  private static let manifest: Result<[Subject], any Error> = Result {
    let path = URL(fileURLWithPath: root + "/manifest.json")
    return try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: path)).subjects
  }

  /// Every dump of a process; none without a laboratory, which `LaboratoryIsThere` reports.
  static let cores: [Subject] = {
    switch manifest {
    case .success(let subjects): subjects.filter { $0.core != nil && $0.truth["sha256"] != nil }
    case .failure: []
    }
  }()

  /// Dumps with answers to compare with; not those that were cut or packed from another one, nor
  /// those that are only there to be measured.
  static let compared = cores.filter { $0.variantOf == nil && $0.truth["gdb_bt_full"] != nil }

  /// Without it the other suites have nothing to say, and one test says why.
  static var isThere: Bool { problem == nil }

  static var problem: String? {
    switch manifest {
    case .success: nil
    case .failure(let error): "\(error)"
    }
  }
}

@Suite struct LaboratoryIsThere {
  @Test func manifestListsDumps() {
    if let problem = Laboratory.problem {
      Issue.record("no laboratory at \(Laboratory.root); make it with: make lab (\(problem))")
      return
    }
    #expect(Laboratory.compared.count { $0.kind == "qemu-core" && $0.stripped == false } >= 4)
    #expect(Laboratory.compared.count { $0.kind == "qemu-core" && $0.stripped == true } >= 3)
    #expect(Laboratory.compared.count { $0.kind == "program-core" } >= 40)
    #expect(Laboratory.compared.count { $0.truth["gdb_bt_full"] != nil } >= 47)
    #expect(Laboratory.compared.count { $0.truth["sha256"] != nil } >= 47)
  }
}
