import TestWorlds
import Testing
import Varve

/// The laboratory's real dumps, and where the answers of other tools lie.
enum Laboratory {
  typealias Subject = LaboratoryManifest.Subject

  /// Every dump of a process; none without a laboratory, which `LaboratoryIsThere` reports.
  static let cores = LaboratoryManifest.subjects.filter {
    $0.core != nil && $0.truth["sha256"] != nil
  }

  /// Dumps with answers to compare with; not those that were cut or packed from another one, nor
  /// those that are only there to be measured.
  static let compared = cores.filter { $0.variantOf == nil && $0.truth["gdb_bt_full"] != nil }

  /// Without it the other suites have nothing to say, and one test says why.
  static var isThere: Bool { problem == nil }

  static var problem: String? { LaboratoryManifest.problem }
}

extension LaboratoryManifest.Subject {
  /// Where Varve is told to look for this subject's files. Nothing is downloaded.
  var places: DebugFilePlaces {
    var places = DebugFilePlaces(sysroot: sysroot, debuginfod: .off)
    // As gdb was told: this directory, and not the system's as well.
    if let debugDirectory { places.debugDirectories = [debugDirectory] }
    return places
  }
}

@Suite struct LaboratoryIsThere {
  @Test func manifestListsDumps() {
    if let problem = Laboratory.problem {
      Issue.record(
        "no laboratory at \(LaboratoryManifest.root); make it with: make lab (\(problem))")
      return
    }
    #expect(Laboratory.compared.count { $0.kind == "qemu-core" && $0.stripped == false } >= 4)
    #expect(Laboratory.compared.count { $0.kind == "qemu-core" && $0.stripped == true } >= 3)
    #expect(Laboratory.compared.count { $0.kind == "program-core" } >= 40)
    #expect(Laboratory.compared.count { $0.truth["gdb_bt_full"] != nil } >= 47)
    #expect(Laboratory.compared.count { $0.truth["sha256"] != nil } >= 47)
  }
}
