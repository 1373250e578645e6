import Testing
import Varve

@Suite("The modules of real dumps are those that gdb lists", .enabled(if: Laboratory.isThere))
struct ModuleListTests {
  @Test(arguments: Laboratory.compared.filter { $0.truth["gdb_libraries"] != nil })
  func listsEveryLibraryAndNothingElse(_ subject: Laboratory.Subject) throws {
    let listed = try #require(try subject.answer("gdb_libraries"))
    // From, to, "Yes" or "No", perhaps "(*)", and the name.
    let theirs = listed.split(separator: "\n").filter { $0.hasPrefix("0x") }.map { line in
      String(line.drop { $0 != "/" }).replacing(subject.sysroot ?? "\0", with: "")
    }
    let dump = try CoreDump(opening: try #require(subject.core), places: subject.places)
    let ours = dump.process.modules.compactMap(\.libraryName)
    #expect(ours.sorted() == theirs.sorted())
    #expect(dump.process.modules.count { $0.isProgram } == 1)
    let info = dump.info()
    // Besides, there is the program, and the vdso, which no file is missing for.
    let others = info.modules.filter(\.isInDump).map(\.path)
    #expect(others == ["[vdso]"])
    #expect(info.modules.count == ours.count + 2)
    #expect(!info.text(.plain).contains("its file isn't at hand"))
  }
}
