import HostSystem
import MachineDumps
import Targets
import TestWorlds

/// A dump that QEMU's `dump-guest-memory` wrote of one of the laboratory's guests.
struct QMPDump: Sendable, CustomStringConvertible {
  let subject: LaboratoryManifest.Subject
  private let path: String

  var description: String { subject.name }

  private init?(_ subject: LaboratoryManifest.Subject) {
    guard let path = subject.truth["qmp_dump"] else { return nil }
    self.subject = subject
    self.path = path
  }

  /// The first few dumps of Linux guests that are small enough to be searched by a debug build;
  /// none without a laboratory.
  static let small: [QMPDump] = Array(
    LaboratoryManifest.subjects.lazy
      .filter { $0.mode == "long" && $0.memory ?? .max <= 256 << 20 }
      .compactMap(QMPDump.init).prefix(2))

  func machine() throws -> Machine {
    try MachineDump(MappedFile.open(path)).machine
  }
}
