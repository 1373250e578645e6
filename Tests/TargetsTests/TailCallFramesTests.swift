import TestWorlds
import Testing
import Unwinding

@testable import Targets

/// Frames of functions that left by a tail call, against gdb's.
@Suite struct TailCallFramesTests {
  private static let source = #"""
    #include <string.h>
    #define APART __attribute__((noinline, noclone))
    volatile int sink, way;
    APART static int bottom(int a, int b) { sink = a + b; if (sink) __builtin_trap(); return a; }
    APART static int last(int a, int b) { int r = bottom(a, b); sink = 3; return r + 1; }
    /* One chain: first, second, last. */
    APART static int second(int a) { sink = a; return last(a + 1, 77); }
    APART static int first(int a, int b) { sink = b; return second(a * 2); }
    /* Two chains: enter, then left or right, then join, last. */
    APART static int join(int a) { sink = 4; return last(a, 5); }
    APART static int left(int a) { sink = 5; return join(a + 2); }
    APART static int right(int a) { sink = 6; return join(a + 3); }
    APART static int either(int a) { sink = 7; return a > way ? left(a) : right(a); }
    APART static int enter(int a) { sink = 8; return either(a + 1); }
    /* A function that reaches itself: how often it ran can't be known. */
    APART static int odd(int n, int sum);
    APART static int even(int n, int sum) {
      if (n == 0) { sink = bottom(sum, n); sink = 3; return 1; }
      sink = n; return odd(n - 1, sum + n);
    }
    APART static int odd(int n, int sum) { sink = n; return even(n - 1, sum + n); }
    /* Jumps to where only the running program knew. */
    static int (*volatile pointer)(int) = second;
    APART static int indirect(int a) { sink = a; return pointer(a); }
    /* What is inlined into a function that jumps away. */
    static inline __attribute__((always_inline)) int inlined(int a) { sink = 9; return second(a); }
    APART static int outer(int a) { sink = 10; return inlined(a + 1); }
    /* An indirect call of a function that jumps away. */
    APART static int call(int (*called)(int), int a) { int r = called(a); sink = called == second; return r; }
    int main(int argc, char **argv) {
      int result = 0;
      if (!strcmp(argv[1], "unique")) result = first(argc, 12);
      if (!strcmp(argv[1], "ambiguous")) result = enter(argc);
      if (!strcmp(argv[1], "loop")) result = even(argc * 2, 0);
      if (!strcmp(argv[1], "indirect")) result = indirect(argc);
      if (!strcmp(argv[1], "inlined")) result = outer(argc);
      if (!strcmp(argv[1], "pointer")) result = call(second, argc);
      sink = result;
      return result;
    }
    """#

  /// Without `-fno-ipa-ra` gcc counts on functions not to use registers that they might; gdb takes
  /// every register for preserved, and is right by chance.
  private static func program(_ options: [String]) throws -> ScratchDirectory {
    let directory = try ScratchDirectory()
    try directory.write(source, to: "tail.c")
    try Tool.run(
      "sh", "-c", "gcc -g -O2 -fno-ipa-ra \(options.joined(separator: " ")) tail.c -o tail",
      in: directory)
    return directory
  }

  private static func names(_ stack: SymbolicStack) -> [String] {
    stack.lines.compactMap { $0.functionName }.prefix { $0 != "main" } + ["main"]
  }

  @Test(
    "lines and registers are gdb's",
    arguments: [
      ("unique", ["bottom", "last", "second", "first", "main"]),
      ("ambiguous", ["bottom", "last", "join", "enter", "main"]),
      ("loop", ["bottom", "even", "main"]),
      ("indirect", ["bottom", "last", "main"]),
      ("inlined", ["bottom", "last", "second", "inlined", "main"]),
    ], [["-gdwarf-5"], ["-gdwarf-4"]])
  func sameAsGDB(_ subject: (way: String, functions: [String]), options: [String]) throws {
    let directory = try Self.program(options)
    let session = try GDBSession("tail", subject.way, in: directory)
    let problems = ProblemLog()
    let stack = try SymbolicStack(ofFirstThreadOf: try session.process(), problems: problems)
    #expect(Self.names(stack) == subject.functions)
    #expect(stack.text.withoutArgumentsOfMain == session.lines.withoutArgumentsOfMain)
    #expect(problems.lines == [])
    // gdb stops at main.
    for (frame, expected) in zip(stack.backtrace.frames, session.registers) {
      for (name, value) in expected {
        let register = try #require(Architecture.x86_64.register(named: name))
        #expect(frame.registers[register] == value, "\(name) at \(frame.pc)")
      }
    }
    #expect(session.registers.count == subject.functions.count)
  }

  @Test func framesSayThatTheyWereLeftByTailCalls() throws {
    let session = try GDBSession("tail", "unique", in: try Self.program([]))
    let stack = try SymbolicStack(ofFirstThreadOf: try session.process())
    let evidence: [FrameEvidence] = stack.lines.prefix(5).map { $0.frame.evidence }
    let expected: [FrameEvidence] = [
      .initial, .unwound(.ehFrame), .tailCall, .tailCall, .unwound(.ehFrame),
    ]
    #expect(evidence == expected)
    #expect(stack.lines.prefix(5).map { $0.level } == [0, 1, 2, 3, 4])
    #expect(stack.lines[2].frame.cfa == stack.lines[1].frame.cfa)
  }

  /// Beyond gdb: where an indirect call led can still be seen in a preserved register.
  @Test func anIndirectCallThatIsStillKnownGivesAChain() throws {
    let session = try GDBSession("tail", "pointer", in: try Self.program([]))
    let stack = try SymbolicStack(ofFirstThreadOf: try session.process())
    #expect(Self.names(stack) == ["bottom", "last", "second", "call", "main"])
    #expect(session.lines.count == 4)
  }
}
