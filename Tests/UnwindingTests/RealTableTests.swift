import Bytes
import Foundation
import TestWorlds
import Testing

@testable import Unwinding

/// Whole tables of real binaries, row by row against readelf.
@Suite struct RealTableTests {
  @Test(
    "every row of .eh_frame is readelf's",
    arguments: [
      ("/lib/x86_64-linux-gnu/libc.so.6", 1),
      ("/lib64/ld-linux-x86-64.so.2", 1),
      ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 1),
      ("/usr/bin/gdb", 7),
    ])
  func ehFrame(path: String, stride: Int) throws {
    try compare(try #require(try ehFrameTable(of: path)), path, ".eh_frame", every: stride)
  }

  @Test("the index answers as the linker's table does")
  func withoutHeader() throws {
    let path = "/lib64/ld-linux-x86-64.so.2"
    try compare(
      try #require(try ehFrameTable(of: path, usingHeader: false)), path, ".eh_frame", every: 1)
  }

  @Test(
    "every row of .debug_frame is readelf's",
    arguments: [
      ["-g"], ["-gdwarf-5", "-gdwarf64"], ["-g", "-Wa,--gdwarf-cie-version=1"],
      ["-g", "-Wa,--gdwarf-cie-version=4"],
    ])
  func debugFrame(options: [String]) throws {
    let (directory, product) = try compile(
      Self.source, options + ["-O2", "-fno-asynchronous-unwind-tables", "-fno-exceptions"])
    defer { try? FileManager.default.removeItem(at: directory) }
    let section = try #require(try ELFSections(try file(product))[".debug_frame"])
    let table = CFITable(CFISection(.debugFrame, section.bytes))
    #expect(table.damage == nil)
    try compare(table, product, ".debug_frame", every: 1)
  }

  private static let source = """
    #include <alloca.h>
    int sink(void *);
    int sink(void *p) { return *(volatile char *)p; }
    __attribute__((noinline)) int recurse(int n, int a, int b, int c) {
      char buffer[n + 1];
      buffer[0] = n;
      if (n == 0) return a * b + c;
      return recurse(n - 1, b, c, a) + sink(buffer) + a + b * c;
    }
    int main(int argc, char **argv) { return recurse(argc, 1, 2, 3) + sink(alloca(argc)); }
    """

  private func compare(
    _ table: CFITable, _ path: String, _ section: String, every stride: Int
  ) throws {
    let expected = try readelfFDEs(path, section: section, every: stride)
    try #require(!expected.isEmpty)
    var compared = 0
    var differences: [String] = []
    for fde in expected where fde.start < fde.end {
      let range = try table.codeRange(containing: VirtualAddress(fde.start))
      if range != VirtualAddress(fde.start)..<VirtualAddress(fde.end) {
        differences.append("\(hex(fde.start)): range \(String(describing: range))")
        continue
      }
      let rows = try table.rows(alongFunctionAt: VirtualAddress(fde.start))
      // readelf prints no rows for an FDE without instructions.
      if fde.rows.isEmpty {
        #expect(rows.count == 1)
        continue
      }
      if rows.map(\.address.rawValue) != fde.rows.map(\.address) {
        differences.append("\(hex(fde.start)): rows \(rows.map(\.address))")
        continue
      }
      for (row, expected) in zip(rows, fde.rows) {
        let found = [text(row.row.cfa)] + expected.rules.map { text(row.row, $0.name) }
        let wanted = [String(expected.cfa)] + expected.rules.map { String($0.rule) }
        if found != wanted { differences.append("\(row.address): \(found), not \(wanted)") }
        compared += 1
      }
      if let last = fde.rows.last, last.address < fde.end {
        #expect(try table.row(at: VirtualAddress(fde.end - 1)) == rows.last?.row)
      }
    }
    #expect(differences.prefix(5) == [])
    #expect(compared > 5)
  }

  private func text(_ cfa: CFARule) -> String {
    switch cfa {
    case .registerOffset(let register, let offset):
      Architecture.x86_64.name(of: register) + signed(offset)
    case .expression: "exp"
    }
  }

  private func text(_ row: UnwindRow, _ column: Substring) -> String {
    let register =
      column == "ra"
      ? row.returnAddress : Architecture.x86_64.register(named: String(column))
    guard let register else { return "no register \(column)" }
    return switch row[register] {
    case .unspecified, .undefined: "u"
    case .sameValue: "s"
    case .atCFAOffset(let offset): "c" + signed(offset)
    case .valueCFAOffset(let offset): "v" + signed(offset)
    case .register(let other): "r\(other.rawValue)"
    case .atExpression: "exp"
    case .valueExpression: "vexp"
    }
  }

  private func signed(_ offset: Int64) -> String { offset < 0 ? "\(offset)" : "+\(offset)" }
}
