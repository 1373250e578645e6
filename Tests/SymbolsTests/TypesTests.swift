import Bytes
import ObjectFiles
import Symbols
import Testing

/// Types, their names and layouts, compared with gdb's.
@Suite struct TypesTests {
  @Test(arguments: [["-O0"], ["-O2", "-gdwarf-4"], ["-gdwarf-2", "-gstrict-dwarf"]])
  func printsDeclarationsAsGDB(options: [String]) throws {
    let program = try DebugProgram(SamplePrograms.c, options: options)
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let names = [
      "records", "counter", "hidden_table", "handlers", "array_pointer", "nothing", "old_style",
      "steady", "words", "maker", "chosen", "unknown", "wide",
    ]
    let answers = try program.gdb(names.map { "whatis \($0)" }).split(separator: "\n")
    for (name, answer) in zip(names, answers) {
      let variable = try #require(try debug.globalVariable(named: name))
      #expect(
        "type = " + (try TypePrinter(graph: debug).name(of: variable.type)) == String(answer),
        "\(name)")
    }
    #expect(answers.count == names.count)
    try program.remove()
  }

  @Test func printsCPlusPlusAsGDB() throws {
    let program = try DebugProgram(
      SamplePrograms.cPlusPlus, isCPlusPlus: true, options: ["-O0"])
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let variable = try #require(try debug.globalVariable(named: "member"))
    let printer = TypePrinter(graph: debug, language: .cPlusPlus)
    #expect(try printer.name(of: variable.type) == "int ns::Class<int>::*")
    #expect(try program.gdb(["whatis member"]) == "type = int ns::Class<int>::*\n")
    let count = try #require(try debug.globalVariable(named: "ns::Class<int>::count"))
    #expect(
      try program.gdb(["print &ns::Class<int>::count"]).contains(hex(try #require(count.address))))
    let inner = try #require(try debug.type(named: "ns::Class<int>::Inner", kind: .structure))
    #expect(try printer.name(of: inner) == "ns::Class<int>::Inner")
    #expect(try debug.type(named: "Inner", kind: .structure) == nil)
    #expect(try debug.type(named: "ns::Level", kind: .enumeration) != nil)
    try program.remove()
  }

  @Test(arguments: [["-O0"], ["-gdwarf-2", "-gstrict-dwarf"]])
  func findsMembersAsGDB(options: [String]) throws {
    let program = try DebugProgram(SamplePrograms.c, options: options)
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let record = TypeReference(debug, try debug.type(named: "record", kind: .structure))
    #expect(
      try program.gdb(["print sizeof(struct record)"])
        == "$1 = \(try #require(try record.size()))\n")
    for path in [
      "name", "run", "text", "inner.low", "inner.first", "inner.second", "hidden", "colour",
      "links.back", "pointer", "matrix", "flexible",
    ] {
      let member = try record.member(named: path)
      let offset = try program.gdb(["print (long)&((struct record *)0)->\(path)"])
      #expect(offset == "$1 = \(member.byteOffset)\n", "\(path)")
      let type = try program.gdb(["whatis ((struct record *)0)->\(path)"])
      #expect(
        type == "type = \(try TypePrinter(graph: debug).name(of: member.type.id))\n", "\(path)")
    }
    let more = try record.member(named: "more")
    #expect(more.bitSize == 7)
    #expect(more.bitOffset == (try record.member(named: "bits")).bitOffset + 3)
    #expect(throws: SymbolError.noMember(type: "struct record", member: "absent")) {
      try record.member(named: "absent")
    }
    try program.remove()
  }

  @Test func readsEnumeratorsAndBounds() throws {
    let program = try DebugProgram(SamplePrograms.c, options: ["-O0"])
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let id = try #require(try debug.type(named: "colour", kind: .enumeration))
    guard case .enumeration(let colour) = try debug.node(id) else {
      Issue.record("not an enumeration")
      return
    }
    #expect(colour.enumerators.map(\.name) == ["RED", "GREEN", "BLUE"])
    #expect(colour.enumerators.map(\.value) == [0, 7, -1])
    #expect(colour.isSigned)

    let function = try #require(try debug.function(named: "variable"))
    let address = try #require(function.ranges.first).upperBound - 2
    let scope = try #require(try debug.frames(at: address).last)
    let locals = try debug.variables(in: scope, at: address, arguments: false)
    let numbers = try #require(locals.first { $0.name == "numbers" })
    let array = try #require(try TypeReference(debug, numbers.type).target()?.id ?? numbers.type)
    let type = try #require(numbers.type)
    #expect(try TypePrinter(graph: debug).name(of: type) == "int [variable length]")
    #expect(array != type)
    let bounds = try debug.arrayBounds(of: type, at: address)
    guard case .expression(let operations)? = bounds.first else {
      Issue.record("no bound: \(bounds)")
      return
    }
    #expect(!operations.isEmpty)
    try program.remove()
  }

  /// A graph whose only type is a typedef of itself.
  private final class Circle: TypeGraph {
    func node(_ id: TypeID) throws(SymbolError) -> TypeNode { .typedef(name: "t", of: id) }
  }

  private final class Spiral: TypeGraph {
    func node(_ id: TypeID) throws(SymbolError) -> TypeNode { .pointer(to: id, size: 8) }
  }

  @Test func circlesEnd() {
    #expect(throws: SymbolError.self) { try TypeReference(Circle(), TypeID(1)).size() }
    #expect(throws: SymbolError.self) { try TypePrinter(graph: Spiral()).name(of: TypeID(1)) }
  }
}
