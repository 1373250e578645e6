import Testing
import Varve

@Suite("Backtraces of real dumps are gdb's and eu-stack's", .enabled(if: Laboratory.isThere))
struct BacktraceTests {
  @Test(arguments: Laboratory.compared)
  func differsOnlyWhereItShould(_ subject: Laboratory.Subject) async throws {
    let unexplained = try await Findings.all.differences(in: subject).filter { difference in
      !AcceptedDifference.all.contains { $0.covers(difference) }
    }
    #expect(
      unexplained.isEmpty, "\n\(unexplained.map(\.description).joined(separator: "\n"))")
  }

  /// A difference that is gone must leave the table, or the table would hide its return.
  @Test func everyAcceptedDifferenceOccurs() async throws {
    var rows = AcceptedDifference.all
    for subject in Laboratory.compared {
      let found = try await Findings.all.differences(in: subject)
      rows.removeAll { row in found.contains { row.covers($0) } }
    }
    #expect(rows.isEmpty, "\n\(rows.map(\.description).joined(separator: "\n"))")
  }
}
