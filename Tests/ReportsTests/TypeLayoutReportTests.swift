import Bytes
import Reports
import Symbols
import TestWorlds
import Testing

/// How types of hand-made BTF are shown.
struct TypeLayoutReportTests {
  private func report(_ name: String, _ btf: BTFAssembler) throws -> TypeLayoutReport {
    let types = try BTFTypes(btf.view)
    var reporter = TypeLayoutReporter()
    let layouts = try types.types(named: name).map { type throws(SymbolError) in
      try reporter.layout(of: type, from: "vmlinux")
    }
    return TypeLayoutReport(file: "core", name: name, types: layouts, warnings: [])
  }

  @Test func structuresShowHolesBitFieldsAndAnonymousMembers() throws {
    var btf = BTFAssembler()
    let int = btf.integer("unsigned int", size: 4)
    let char = btf.integer("char", size: 1, encoding: 1)
    let text = btf.array(of: char, count: 5)
    let long = btf.integer("long unsigned int", size: 8)
    let inner = btf.record("", size: 8, isUnion: true, [("low", int, 0), ("whole", long, 0)])
    btf.record(
      "task", size: 40,
      [
        ("state", int, 0), ("", inner, 64), ("a", int, 3 << 24 | 128), ("b", int, 1 << 24 | 131),
        ("comm", text, 192),
      ], flag: true)
    let report = try report("task", btf)
    #expect(
      report.text(.plain) == """
        struct task {
            unsigned int state;                              /*      0        4 */
            /* 4 bytes hole */
            union {
                unsigned int low;                            /*      8        4 */
                unsigned long whole;                         /*      8        8 */
            };                                               /*      8        8 */
            unsigned int a:3;                                /*     16: 0     4 */
            unsigned int b:1;                                /*     16: 3     4 */
            /* 60 bits hole */
            char comm[5];                                    /*     24        5 */
            /* size: 40, cachelines: 1, members: 5 */
            /* holes: 2, sum holes: 92 bits */
            /* padding: 11 bytes */
        };
        """)
    let holes = try #require(report.types.first?.body?.holes)
    #expect(holes.map(\.bitOffset) == [32, 132, 232])
    #expect(holes.map(\.isPadding) == [false, false, true])
  }

  @Test func otherTypesShowWhatTheyAre() throws {
    var btf = BTFAssembler()
    let int = btf.integer("int", size: 4, encoding: 1)
    let counter = btf.record("", size: 4, [("counter", int, 0)])
    btf.typedef("atomic_t", of: counter)
    btf.typedef("pid_t", of: int)
    btf.add(
      6, "kind", count: 2, flag: true, 4,
      words: [btf.string("ONE"), 1, btf.string("MINUS"), 0xffff_ffff])
    btf.add(7, "hidden")
    #expect(
      try report("atomic_t", btf).text(.plain) == """
        typedef struct {
            int counter;                                     /*      0        4 */
            /* size: 4, cachelines: 1, members: 1 */
        } atomic_t;
        """)
    #expect(try report("pid_t", btf).text(.plain) == "typedef int pid_t;  /* size: 4 */")
    #expect(
      try report("kind", btf).text(.plain) == """
        enum kind {
            ONE   = 1,
            MINUS = -1,
            /* size: 4 */
        };
        """)
    #expect(try report("hidden", btf).text(.plain) == "struct hidden;  /* only declared */")
  }

  /// A structure that holds itself twice has 2ⁿ members; the count is bounded.
  @Test func structuresWithinThemselvesEndInAnError() throws {
    var btf = BTFAssembler()
    btf.integer("int", size: 4)
    btf.record("", size: 8, [("", 2, 0), ("", 2, 0)])
    btf.typedef("self", of: 2)
    #expect(throws: SymbolError.self) { try report("self", btf) }
  }
}
