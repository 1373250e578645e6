import Bytes
import Symbols
import TestWorlds
import Testing

/// C expressions over a few structures in memory.
struct CExpressionTests {
  /// A task at 0x1000 in a list with another at 0x2000; a counter per CPU.
  private struct World: CExpressionContext {
    let types: BTFTypes
    let memory: any Memory

    init() throws {
      var btf = BTFAssembler()
      let int = btf.integer("int", size: 4, encoding: 1)
      let long = btf.integer("long unsigned int", size: 8)
      let char = btf.integer("char", size: 1, encoding: 1)
      let comm = btf.array(of: char, count: 8)
      let list = btf.record("list_head", size: 16, [("next", 6, 0), ("prev", 6, 64)])
      #expect(btf.pointer(to: list) == 6)
      btf.record(
        "task", size: 56,
        [
          ("pid", int, 0), ("flag", int, 3 << 24 | 32), ("low", int, 5 << 24 | 35),
          ("comm", comm, 64), ("tasks", list, 128), ("numbers", 8, 256), ("parent", 9, 384),
        ], flag: true)
      #expect(btf.array(of: int, count: 4) == 8)
      #expect(btf.pointer(to: 7) == 9)
      btf.add(
        6, "kind", count: 2, 4, words: [btf.string("KIND_A"), 0, btf.string("KIND_B"), 5])
      btf.typedef("task_t", of: 7)
      btf.add(14, "counter", long, words: [1])
      btf.add(13, "", 0)
      btf.add(12, "schedule", 13)
      types = try BTFTypes(btf.view)
      var memory = SparseMemory()
      for (base, pid, other) in [(0x1000, 7, 0x2000), (0x2000, -1, 0x1000)]
        as [(UInt64, Int32, UInt64)]
      {
        var task = ByteAssembler()
        task.number(pid)
        task.number(UInt32(0b11101_101))
        task.append(Array("init\0\0\0\0".utf8))
        task.number(other + 16)
        task.number(other + 16)
        for number in [10, -20, 30, 40] as [Int32] { task.number(number) }
        task.number(other)
        memory.write(task.bytes, at: base)
      }
      memory.write(words: [111], at: 0x5000)
      memory.write(words: [222], at: 0x6000)
      self.memory = memory
    }

    func variable(named name: String) throws(SymbolError) -> CVariable? {
      switch name {
      case "first":
        CVariable(address: VirtualAddress(0x1000), type: try types.type(named: "struct task"))
      case "untyped": CVariable(address: VirtualAddress(0x2000), type: nil)
      case "counter":
        CVariable(
          address: VirtualAddress(0x10), type: try types.variable(named: name), isPerCPU: true)
      case "schedule":
        CVariable(address: VirtualAddress(0x7000), type: try types.function(named: name))
      default: nil
      }
    }

    func type(named name: String) throws(SymbolError) -> TypeReference? {
      try types.type(named: name)
    }

    func enumerator(
      named name: String
    ) throws(SymbolError) -> (type: TypeReference, value: Int64)? {
      try types.enumerator(named: name)
    }

    func perCPUOffset(_ cpu: UInt64) -> UInt64? { cpu < 2 ? 0x4ff0 + cpu * 0x1000 : nil }

    /// As gdb would print it, the type in front.
    func text(_ expression: String) throws -> String {
      let value = try CExpression(self).value(of: expression)
      let formatter = ValueFormatter(memory: memory)
      let type = try TypePrinter(graph: value.graph).name(of: value.type)
      return type + ": " + formatter.text(of: value)
    }
  }

  @Test(arguments: [
    ("first.pid", "int: 7"), ("first.flag", "int: -3"), ("first.low", "int: -3"),
    ("first.comm", #"char [8]: "init\000\000\000""#), ("first.comm[1]", "char: 105 'i'"),
    ("*first.comm", "char: 105 'i'"), ("first.numbers[1]", "int: -20"),
    ("*(first.numbers + 2)", "int: 30"), ("2[first.numbers]", "int: 30"),
    ("first.parent->pid", "int: -1"), ("first.parent.pid", "int: -1"),
    ("(&first)->parent->parent->pid", "int: 7"), ("first.tasks.next", "struct list_head *: 0x2010"),
    ("container_of(first.tasks.next, struct task, tasks)->pid", "int: -1"),
    ("list_entry(first.tasks.next, task_t, tasks)->parent", "struct task *: 0x1000"),
    ("offsetof(struct task, tasks.prev)", "unsigned long: 24"),
    ("sizeof(struct task)", "unsigned long: 56"), ("sizeof first.numbers", "unsigned long: 16"),
    ("sizeof(int *) + sizeof(struct task[3])", "unsigned long: 176"),
    ("(struct task *)0x2000", "struct task *: 0x2000"),
    ("((struct task *)0x2000)->pid", "int: -1"), ("(*(task_t *)&untyped).pid", "int: -1"),
    ("((struct task *)0x2000) - &first", "long: 73"),
    ("&first + 1", "struct task *: 0x1038"), ("&first.pid", "int *: 0x1000"),
    ("&first.numbers[3]", "int *: 0x102c"), ("(unsigned long)first.parent", "unsigned long: 8192"),
    ("per_cpu(counter, 0)", "unsigned long: 111"), ("per_cpu(counter, 1)", "unsigned long: 222"),
    ("*per_cpu_ptr(&counter, 1)", "unsigned long: 222"), ("&counter", "unsigned long *: 0x10"),
    ("KIND_B", "enum kind: KIND_B"), ("KIND_B + 1", "unsigned int: 6"),
    ("(enum kind)0", "enum kind: KIND_A"), ("schedule", "void (void): {void (void)} 0x7000"),
    ("*schedule", "void (void): {void (void)} 0x7000"), ("&schedule", "void (*)(void): 0x7000"),
  ])
  func dataIsRead(expression: String, expected: String) throws {
    #expect(try World().text(expression) == expected)
  }

  /// What a C compiler says of the same.
  @Test(arguments: [
    ("1 + 2 * 3", "int: 7"), ("(1 + 2) * 3", "int: 9"), ("10 - 4 - 3", "int: 3"),
    ("-7 / 2", "int: -3"), ("-7 % 3", "int: -1"), ("7u / 2", "unsigned int: 3"),
    ("1 << 31", "int: -2147483648"), ("1ul << 63 >> 62", "unsigned long: 2"),
    ("-8 >> 1", "int: -4"),
    ("~0", "int: -1"), ("~0ul", "unsigned long: 18446744073709551615"), ("!5", "int: 0"),
    ("-1 < 0u", "int: 0"), ("-1 < 0", "int: 1"), ("3 & 6 | 8 ^ 1", "int: 11"),
    ("1 == 1 && 2 != 2 || 1", "int: 1"), ("0 && 1 / 0", "int: 0"), ("1 ? 2 : 1 / 0", "int: 2"),
    ("0xffffffff", "long: 4294967295"),
    ("0xffffffff81000000", "unsigned long: 18446744071578845184"),
    ("'a' + 1", "int: 98"), (#"'\n'"#, "int: 10"), ("0b101 + 010", "int: 13"),
    ("(char)200", "char: -56 '\\310'"),
    ("(unsigned long)-1", "unsigned long: 18446744073709551615"),
    ("2147483647 + 1", "int: -2147483648"), ("(1ul << 63) / -1", "unsigned long: 0"),
    ("(long)(1ul << 63) / -1l", "long: -9223372036854775808"),
  ])
  func arithmeticIsC(expression: String, expected: String) throws {
    #expect(try World().text(expression) == expected)
  }

  @Test(arguments: [
    ("", 1, "a name, a number or '(' expected"), ("(1 + 2", 7, "')' expected"),
    ("first.", 7, "a name expected"), ("first.none", 7, "struct task has no member none"),
    ("none.pid", 1, "there is no symbol none"), ("first pid", 7, "an operator or the end expected"),
    ("(struct none *)1", 2, "there is no type struct none"),
    ("untyped", 1, "the type of untyped isn't known; say it: *(struct x *)&untyped"),
    ("counter + 1", 1, "counter has a copy for each CPU; say which: per_cpu(counter, 0)"),
    ("per_cpu(counter, 2)", 18, "there is no CPU 2"), ("1 / 0", 3, "division by zero"),
    ("1 << 32", 3, "shift by more bits than there are"), ("*1", 1, "int is no pointer"),
    ("*(void *)1", 1, "void has no value: cast the pointer first"),
    ("first + 1", 7, "struct task is no integer and no pointer"),
    ("&first.flag", 1, "only what is in memory, and no bit field, has an address"),
    ("&1", 1, "only what is in memory, and no bit field, has an address"),
    (
      "(struct task)1", 1,
      "nothing can be cast to struct task: *(struct task *) shows what lies at an address"
    ),
    ("((struct task *)0x9000)->parent->pid", 32, "nothing is mapped at 0x9030"),
    ("schedule()", 9, "an operator: functions can't be called, so one expected"),
    ("1 @ 2", 3, "an operator, a name or a number expected"),
    ("99999999999999999999", 1, "a number of at most 64 bits expected"),
    ("1 ? 2", 6, "':' expected"), ("sizeof(void)", 1, "this type's size isn't known"),
  ])
  func errorsNameTheirColumn(expression: String, column: Int, message: String) throws {
    let error = try #require(
      #expect(throws: CExpressionError.self) { try World().text(expression) })
    #expect(error.column == column)
    #expect("\(error.reason)" == message)
  }

  @Test func depthIsBounded() throws {
    let world = try World()
    let nested = String(repeating: "(", count: 500) + "1" + String(repeating: ")", count: 500)
    let chains = [
      nested, String(repeating: "-", count: 500) + "1", String(repeating: "1+", count: 500) + "1",
      "first" + String(repeating: "[0]", count: 500), String(repeating: "x", count: 5000),
      String(repeating: "1?", count: 500),
    ]
    for text in chains {
      let error = try #require(#expect(throws: CExpressionError.self) { try world.text(text) })
      guard case .tooLong = error.reason else {
        Issue.record("\(error)")
        return
      }
    }
    #expect(
      try world.text(String(repeating: "(", count: 20) + "1" + String(repeating: ")", count: 20))
        == "int: 1")
  }
}
