import Bytes
import Symbols
import TestWorlds
import Testing

/// BTF made by hand: each kind, lookups, a module's split data.
struct BTFTypesTests {
  @Test func membersAreFoundInAnonymousOnesToo() throws {
    var btf = BTFAssembler()
    let int = btf.integer("int", size: 4, encoding: 1)
    let long = btf.integer("long unsigned int", size: 8)
    let inner = btf.record("", size: 8, isUnion: true, [("low", int, 0), ("whole", long, 0)])
    let list = btf.record("list_head", size: 16, [("next", 5, 0), ("prev", 5, 64)])
    #expect(btf.pointer(to: list) == 5)
    btf.record("task", size: 32, [("pid", int, 0), ("", inner, 64), ("tasks", list, 128)])
    let types = try BTFTypes(btf.view)
    #expect(types.damage == nil)
    let task = try #require(try types.type(named: "struct task"))
    #expect(try task.size() == 32)
    #expect(try task.member(named: "whole").bitOffset == 64)
    #expect(try task.member(named: "tasks.prev").byteOffset == 24)
    #expect(try task.member(named: "tasks.prev").type.size() == 8)
    #expect(try types.type(named: "unsigned long")?.size() == 8)
    #expect(try types.type(named: "task") == nil)
    #expect(try types.type(named: "union task") == nil)
    #expect(types.types(named: "task").count == 1)
    #expect(throws: SymbolError.noMember(type: "struct task", member: "comm")) {
      try task.member(named: "comm")
    }
  }
}
