import Bytes
import DebugFiles
import HostSystem
import ObjectFiles
import TestWorlds
import Testing
import Unwinding

@testable import Targets

/// Code made at run time, in a process that does and one that doesn't tell debuggers.
@Suite struct JITModulesTests {
  /// The generated function: it keeps rbx, makes room, and calls its argument.
  private static let generated = """
    .cfi_sections .debug_frame
    .text
    .globl generated
    .type generated, @function
    generated:
      .cfi_startproc
      push %rbx
      .cfi_adjust_cfa_offset 8
      .cfi_offset %rbx, -16
      sub $64, %rsp
      .cfi_adjust_cfa_offset 64
      mov $0x1234, %ebx
      call *%rdi
      add $64, %rsp
      .cfi_adjust_cfa_offset -64
      pop %rbx
      .cfi_adjust_cfa_offset -8
      ret
      .cfi_endproc
    .size generated, . - generated

    """

  private static let source = #"""
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    struct entry { struct entry *next, *previous; const char *image; uint64_t size; };
    struct descriptor { uint32_t version, action; struct entry *relevant, *first; };
    struct descriptor __jit_debug_descriptor = {1, 0, 0, 0};
    __attribute__((noinline)) void __jit_debug_register_code(void) { __asm__ volatile(""); }
    static char *contents(const char *name, size_t *size) {
      FILE *file = fopen(name, "r");
      fseek(file, 0, SEEK_END);
      *size = ftell(file);
      rewind(file);
      char *bytes = malloc(*size);
      *size = fread(bytes, 1, *size, file);
      fclose(file);
      return bytes;
    }
    static int callback(void) { __builtin_trap(); return 1; }
    int main(int argc, char **argv) {
      size_t size, image_size;
      char *code = contents("generated.bin", &size), *image = contents("generated", &image_size);
      void *place = mmap((void *)0x10000000, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      memcpy(place, code, size);
      static struct entry entry;
      entry.image = image;
      entry.size = image_size;
      if (!strcmp(argv[1], "registered")) {
        __jit_debug_descriptor.relevant = __jit_debug_descriptor.first = &entry;
        __jit_debug_descriptor.action = 1;
        __jit_debug_register_code();
      }
      int (*generated)(int (*)(void)) = (int (*)(int (*)(void)))place;
      return generated(callback) + 1;
    }
    """#

  private static func session(_ way: String) throws -> GDBSession {
    let directory = try ScratchDirectory()
    try directory.write(generated, to: "generated.s")
    try directory.write(source, to: "maker.c")
    try Tool.run(
      "gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x10000000", "-Wl,--build-id=none", "-Wl,-e,0",
      "generated.s", "-o", "generated", in: directory)
    try Tool.run(
      "objcopy", "-O", "binary", "-j", ".text", "generated", "generated.bin", in: directory)
    try Tool.run("gcc", "-g", "-O1", "maker.c", "-o", "maker", in: directory)
    return try GDBSession("maker", way, in: directory)
  }

  @Test func aRegisteredImageGivesGDBsFrames() throws {
    let session = try Self.session("registered")
    let problems = ProblemLog()
    let process = try session.process()
    let stack = try SymbolicStack(ofFirstThreadOf: process, problems: problems)
    #expect(session.lines.count == 3)
    #expect(stack.text.withoutArgumentsOfMain == session.lines.withoutArgumentsOfMain)
    #expect(problems.lines == [])
    let frames = stack.backtrace.frames
    #expect(frames[2].evidence == .unwound(.registeredImage))
    #expect(frames[1].registers[RegisterNumber(3)] == 0x1234)
    #expect(stack.lines[1].module?.path == "[jit]")
    #expect(process.modules.allSatisfy { $0.path != "[jit]" })
    for (frame, expected) in zip(frames, session.registers) {
      for (name, value) in expected {
        let register = try #require(Architecture.x86_64.register(named: name))
        #expect(frame.registers[register] == value, "\(name) at \(frame.pc)")
      }
    }
  }

  @Test func anImageThatNobodyRegisteredIsFound() throws {
    let session = try Self.session("silent")
    let stack = try SymbolicStack(ofFirstThreadOf: try session.process())
    #expect(stack.text.count == 3)
    #expect(stack.text[1].hasSuffix("generated ()"))
    #expect(stack.text[2].contains("main (argc=argc@entry=2"))
    #expect(stack.backtrace.frames[2].evidence == .unwound(.foundImage))
    #expect(!stack.backtrace.frames[2].restsOnGuess)
  }

  @Test func anImageIsRejectedUnlessItsCodeIsExecutable() throws {
    let session = try Self.session("silent")
    let process = try session.process()
    let mappings = process.mappings.map { mapping in
      Mapping(
        start: mapping.start, count: mapping.count,
        protection: mapping.protection?.subtracting(.execute), path: mapping.path,
        fileOffset: mapping.fileOffset)
    }
    let search = JITSearch(
      architecture: process.architecture, memory: process.memory, mappings: mappings,
      modules: process.modules)
    #expect(search.modulesInMemory(besides: []).isEmpty)
  }

  @Test func anImageThatClaimsTooMuchIsReported() throws {
    var descriptor = ByteAssembler()
    descriptor.number(UInt32(1))
    descriptor.number(UInt32(0))
    // The rest of the descriptor, and the entry that it leads to.
    for word: UInt64 in [0, 0x1018] + [0, 0, 0x1000, 1 << 40] { descriptor.number(word) }
    let memory = AddressSpace(layers: [
      [
        MemoryRegion(
          start: VirtualAddress(0x1000), count: UInt64(descriptor.count),
          contents: .dumped(descriptor.view))
      ]
    ])
    let module = Module(
      path: "/program", range: VirtualAddress(0x1000)..<VirtualAddress(0x2000), bias: 0x1000,
      buildID: nil, isProgram: true, files: Lazy { nil },
      exports: [JITInterface.symbolName: 0]
    ) { .nothing }
    let problems = ProblemLog()
    let search = JITSearch(
      architecture: .x86_64, memory: memory, mappings: [], modules: [module])
    #expect(search.registeredModules(problems).isEmpty)
    #expect(
      problems.lines == [
        "the JIT image at 0x1000: unsupported ELF file: it claims 1099511627776 bytes"
      ])
  }
}
