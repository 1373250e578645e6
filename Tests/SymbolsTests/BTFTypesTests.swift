import Bytes
import Symbols
import TestWorlds
import Testing

/// BTF made by hand: each kind, lookups, a module's split data.
struct BTFTypesTests {
  /// What the tests share: integers, a list, a task.
  private struct World {
    var btf = BTFAssembler()
    let int: UInt32
    let long: UInt32
    let char: UInt32

    init() {
      int = btf.integer("int", size: 4, encoding: 1)
      long = btf.integer("long unsigned int", size: 8)
      char = btf.integer("char", size: 1, encoding: 1)
    }
  }

  private func node(_ types: BTFTypes, _ id: UInt32) throws -> TypeNode {
    try types.node(TypeID(UInt64(id)))
  }

  private func name(_ types: BTFTypes, _ id: UInt32) throws -> String {
    try TypePrinter(graph: types).name(of: TypeID(UInt64(id)))
  }

  @Test func membersAreFoundInAnonymousOnesToo() throws {
    var world = World()
    let inner = world.btf.record(
      "", size: 8, isUnion: true, [("low", world.int, 0), ("whole", world.long, 0)])
    let list = world.btf.record("list_head", size: 16, [("next", 6, 0), ("prev", 6, 64)])
    #expect(world.btf.pointer(to: list) == 6)
    world.btf.record(
      "task", size: 32, [("pid", world.int, 0), ("", inner, 64), ("tasks", list, 128)])
    let types = try BTFTypes(world.btf.view)
    #expect(types.damage == nil)
    let task = try #require(try types.type(named: "struct task"))
    #expect(try task.size() == 32)
    // Twice: the second answer comes from the cache.
    for _ in 0..<2 {
      #expect(try task.member(named: "whole").bitOffset == 64)
      #expect(try task.member(named: "tasks.prev").byteOffset == 24)
      #expect(try task.member(named: "tasks.prev").type.size() == 8)
      #expect(throws: SymbolError.noMember(type: "struct task", member: "comm")) {
        try task.member(named: "comm")
      }
    }
    #expect(try types.type(named: "task") == nil)
    #expect(try types.type(named: "union task") == nil)
    #expect(types.types(named: "task").count == 1)
  }

  @Test(arguments: [
    ("unsigned long", 8), ("long unsigned int", 8), ("unsigned long int", 8), ("int", 4),
    ("signed", 4), ("char", 1),
  ])
  func integersHaveManyNames(name: String, size: UInt64) throws {
    let types = try BTFTypes(World().btf.view)
    #expect(try types.type(named: name)?.size() == size)
  }

  @Test func eachKindBecomesItsNode() throws {
    var world = World()
    let pointer = world.btf.pointer(to: 0)
    let array = world.btf.array(of: world.char, count: 16)
    let const = world.btf.add(10, "", world.char)
    let volatile = world.btf.add(9, "", const)
    let restrict = world.btf.add(11, "", pointer)
    let typedef = world.btf.typedef("pid_t", of: world.int)
    let small = world.btf.add(
      6, "small", count: 2, flag: true, 4, words: [world.btf.string("A"), 0, 1, 0xffff_ffff])
    let wide = world.btf.add(19, "wide", count: 1, 8, words: [0, 2, 1])
    let forward = world.btf.add(7, "hidden", flag: true)
    let variadic = world.btf.add(13, "", count: 2, world.int, words: [0, pointer, 0, 0])
    world.btf.add(12, "printk", count: 1, variadic)
    let float = world.btf.add(16, "double", 8)
    world.btf.add(14, "counter", world.long, words: [1])
    world.btf.add(15, ".data..percpu", count: 1, 8, words: [13, 0, 8])
    world.btf.add(17, "note", world.int, words: [0xffff_ffff])
    let tag = world.btf.add(18, "user", world.char)
    let tagged = world.btf.pointer(to: tag)
    let bool = world.btf.integer("_Bool", size: 1, encoding: 4)
    let types = try BTFTypes(world.btf.view)
    #expect(types.damage == nil)
    #expect(try name(types, pointer) == "void *")
    #expect(try name(types, array) == "char [16]")
    #expect(try name(types, volatile) == "const volatile char")
    #expect(try name(types, restrict) == "void * restrict")
    #expect(try name(types, typedef) == "pid_t")
    #expect(try name(types, variadic) == "int (void *, ...)")
    #expect(try name(types, tagged) == "char *")
    #expect(try TypeReference(types, TypeID(UInt64(tag))).size() == 1)
    guard case .enumeration(let enumeration) = try node(types, small) else {
      Issue.record("no enumeration")
      return
    }
    #expect(enumeration.isSigned && enumeration.enumerators.map(\.value) == [0, -1])
    guard case .enumeration(let long) = try node(types, wide) else {
      Issue.record("no enumeration")
      return
    }
    #expect(long.size == 8 && long.enumerators.map(\.value) == [1 << 32 | 2])
    guard case .record(let hidden) = try node(types, forward) else {
      Issue.record("no record")
      return
    }
    #expect(hidden.isDeclaration && hidden.kind == .union && hidden.name == "hidden")
    guard case .base(_, .float, 8) = try node(types, float),
      case .base(_, .boolean, 1) = try node(types, bool)
    else {
      Issue.record("no float or no boolean")
      return
    }
    #expect(try types.function(named: "printk")?.id == TypeID(UInt64(variadic)))
    #expect(try types.variable(named: "counter")?.size() == 8)
    #expect(try types.enumerator(named: "A")?.value == 0)
    #expect(try types.enumerator(named: "B") == nil)
    for other: UInt32 in [0, 14, 16, 17, 18, 22, 1 << 31] {
      #expect(throws: SymbolError.unknownType(UInt64(other))) { try node(types, other) }
    }
  }

  @Test func bitFieldsOfBothEncodingsAreFound() throws {
    var world = World()
    let three = world.btf.integer("three", size: 4, bits: 3)
    world.btf.record(
      "new", size: 8, [("a", world.int, 3 << 24 | 5), ("b", world.int, 32)], flag: true)
    world.btf.record("old", size: 8, [("a", three, 5), ("b", world.int, 32)])
    let types = try BTFTypes(world.btf.view)
    for name in ["struct new", "struct old"] {
      let type = try #require(try types.type(named: name))
      #expect(try type.member(named: "a").bitOffset == 5)
      #expect(try type.member(named: "a").bitSize == 3)
      #expect(try type.member(named: "b").bitSize == nil)
    }
  }

  @Test func definitionsComeBeforeDeclarations() throws {
    var world = World()
    world.btf.add(7, "task")
    let forward = world.btf.pointer(to: 4)
    let first = world.btf.record("task", size: 4, [("pid", world.int, 0)])
    let types = try BTFTypes(world.btf.view)
    #expect(try types.type(named: "struct task")?.id == TypeID(UInt64(first)))
    // The pointer leads to the declaration, whose members are the definition's.
    let target = try #require(try TypeReference(types, TypeID(UInt64(forward))).target())
    #expect(target.id == TypeID(4))
    #expect(try target.member(named: "pid").byteOffset == 0)
    // With two definitions there is no telling which one is meant.
    world.btf.record("task", size: 8, [("tgid", world.int, 0), ("pid", world.int, 32)])
    let more = try BTFTypes(world.btf.view)
    #expect(more.types(named: "task").count == 2)
    #expect(more.structures(named: "task").map(\.id?.rawValue) == [6, 7, 4])
    #expect(throws: SymbolError.noMember(type: "struct task", member: "pid")) {
      try TypeReference(more, TypeID(4)).member(named: "pid")
    }
  }

  @Test func modulesContinueTheKernel() throws {
    var world = World()
    let list = world.btf.record("list_head", size: 16, [("next", world.long, 0)])
    var module = BTFAssembler(continuing: world.btf)
    let own = module.record("driver", size: 24, [("count", world.int, 0), ("list", list, 64)])
    // A name out of the kernel's strings: "int" is the first.
    let shared = module.add(8, raw: 1, world.long)
    let kernel = try BTFTypes(world.btf.view)
    let types = try BTFTypes(module.view, base: kernel)
    #expect(types.firstID == 5 && types.endID == 7)
    let driver = try #require(try types.type(named: "struct driver"))
    #expect(driver.id == TypeID(UInt64(own)))
    #expect(try driver.member(named: "list.next").byteOffset == 8)
    #expect(try types.type(named: "struct list_head")?.size() == 16)
    #expect(try kernel.type(named: "struct driver") == nil)
    #expect(try types.type(named: "int")?.id == TypeID(UInt64(shared)))
    #expect(throws: SymbolError.self) { try BTFTypes(module.view, base: types) }
  }
}
