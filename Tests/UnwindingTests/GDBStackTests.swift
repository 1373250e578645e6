import Bytes
import Foundation
import TestWorlds
import Testing
import Unwinding

/// Stacks of a real process, frame by frame and register by register against gdb.
@Suite struct GDBStackTests {
  /// Recursion with stacks of changing size, a C library callback, and at the bottom either a signal
  /// handler on a stack of its own or a call through a null pointer.
  private static let source = """
    #include <alloca.h>
    #include <fcntl.h>
    #include <signal.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>
    static void (*volatile nothing)(void);
    static volatile int sink, mode;
    static char other_stack[65536];
    static void handler(int number) { sink = number; __builtin_trap(); }
    static int compare(const void *a, const void *b) {
      if (mode == 0) raise(SIGUSR1); else nothing();
      sink++;
      return *(const int *)a - *(const int *)b;
    }
    __attribute__((noinline)) static int recurse(int depth, long a, long b, long c) {
      char *room = alloca(depth * 40 + 1);
      memset(room, depth, depth * 40 + 1);
      int numbers[] = { depth, 3, 2, 1 };
      if (depth == 0) qsort(numbers, 4, sizeof *numbers, compare);
      else sink += recurse(depth - 1, b * c, c + a, a ^ b);
      return room[0] + a + b + c + numbers[0];
    }
    int main(int argc, char **argv) {
      mode = argc > 1;
      int filter = open("/proc/self/coredump_filter", O_WRONLY);
      sink = write(filter, "0x7f", 4);
      stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof other_stack };
      sigaltstack(&stack, NULL);
      struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
      sigaction(SIGUSR1, &action, NULL);
      return recurse(5, argc, 3, 4);
    }
    """

  private static let registers = ["rip", "rsp", "rbx", "rbp", "r12", "r13", "r14", "r15"]

  @Test(
    "frames and preserved registers are gdb's",
    arguments: [
      (["-O2"], ""), (["-O2"], "null"), (["-O0"], ""),
      (["-O2", "-fno-omit-frame-pointer", "-static-pie"], ""),
    ])
  func stack(options: [String], argument: String) throws {
    let (directory, product) = try compile(Self.source, options)
    defer { try? FileManager.default.removeItem(at: directory) }
    let core = directory.appendingPathComponent("core").path
    let frames = try gdbFrames(product, argument, core: core)
    let process = try CoreProcess(core: core)

    var registers = RegisterState()
    for (name, value) in try #require(frames.first) {
      if let register = Architecture.x86_64.register(named: name) { registers[register] = value }
    }
    let trace = Unwinder().unwind(from: registers, memory: process, tables: process)
    #expect(trace.pcs == frames.prefix(trace.frames.count).map { $0["rip"] })
    // main, its two callers in the C library, _start; and recurse six times.
    #expect(frames.count >= 13)
    #expect(trace.frames.count == frames.count)
    #expect(trace.stop == .endOfStack(.returnAddressUndefined))
    for (frame, expected) in zip(trace.frames, frames) {
      for (name, value) in expected {
        let register = try #require(Architecture.x86_64.register(named: name))
        #expect(frame.registers[register] == value, "\(name) at \(frame.pc)")
      }
    }
    #expect(trace.frames.contains { $0.isSignalFrame } == argument.isEmpty)
    #expect(trace.frames.contains { $0.restsOnGuess } == !argument.isEmpty)
  }

  /// Runs the program to its end in gdb and saves a core; the registers of each frame.
  private func gdbFrames(
    _ program: String, _ argument: String, core: String
  ) throws -> [[String: UInt64]] {
    let names = Self.registers.map { "'\($0)'" }.joined(separator: ",")
    let walk = """
      python
      frame = gdb.newest_frame()
      while frame:
        values = []
        for name in [\(names)]:
          value = frame.read_register(name)
          if not value.is_optimized_out:
            values.append('%s=%x' % (name, int(value) & (2**64 - 1)))
        # Inlined functions and tail calls have no frame on the stack.
        if frame.type() in [gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME]:
          print('FRAME ' + ' '.join(values))
        frame = frame.older()
      end
      """
    let script = URL(fileURLWithPath: core + ".gdb")
    try Data(
      """
      set debuginfod enabled off
      set confirm off
      set backtrace past-main on
      set backtrace past-entry on
      handle SIGUSR1 nostop noprint pass
      run \(argument)
      generate-core-file \(core)
      \(walk)
      kill
      """.utf8
    ).write(to: script)
    let text = String(
      decoding: try output(
        // Foundation starts its children with all signals blocked, and gdb can't do without them.
        of: "/usr/bin/env",
        ["--default-signal", "gdb", "-nx", "-batch", "-x", script.path, program]),
      as: UTF8.self)
    return text.split(separator: "\n").filter { $0.hasPrefix("FRAME ") }.map { line in
      var values: [String: UInt64] = [:]
      for word in line.dropFirst(6).split(separator: " ") {
        let parts = word.split(separator: "=")
        if parts.count == 2 { values[String(parts[0])] = UInt64(parts[1], radix: 16) }
      }
      return values
    }
  }
}

/// A core file that holds everything the process had mapped, and its modules' tables by NT_FILE.
private struct CoreProcess: Memory, UnwindTableProvider {
  private struct Segment: Sendable {
    let address: VirtualAddress
    let bytes: ByteView
    let isExecutable: Bool
  }
  private struct Module: Sendable {
    let range: Range<UInt64>
    let bias: UInt64
    let table: CFITable
  }
  private var segments: [Segment] = []
  private var modules: [Module] = []

  init(core path: String) throws {
    let core = try file(path)
    let tableOffset: UInt64 = try core.load(at: 0x20)
    let count = UInt64(try core.load(UInt16.self, at: 0x38))
    for index in 0..<count {
      let header = tableOffset + 56 * index
      let bytes = core.clampedSubview(
        at: try core.load(at: header + 8), count: try core.load(at: header + 32))
      switch try core.load(UInt32.self, at: header) {
      case 1:
        segments.append(
          Segment(
            address: VirtualAddress(try core.load(at: header + 16)), bytes: bytes,
            isExecutable: try core.load(UInt32.self, at: header + 4) & 1 != 0))
      case 4: try readModules(bytes)
      default: break
      }
    }
  }

  /// NT_FILE: count, page size, then start, end and page offset of each mapping, then the paths.
  private mutating func readModules(_ notes: ByteView) throws {
    var cursor = ByteCursor(notes)
    while !cursor.isAtEnd {
      let nameSize = UInt64(try cursor.read(UInt32.self))
      let size = UInt64(try cursor.read(UInt32.self))
      let type = try cursor.read(UInt32.self)
      try cursor.skip((nameSize + 3) & ~3)
      var note = ByteCursor(try cursor.readBytes((size + 3) & ~3))
      guard type == 0x4649_4c45 else { continue }
      let count = try note.read(UInt64.self)
      try note.skip(8)
      var ranges: [Range<UInt64>] = []
      for _ in 0..<count {
        let start = try note.read(UInt64.self)
        ranges.append(start..<(try note.read(UInt64.self)))
        try note.skip(8)
      }
      var byPath: [String: Range<UInt64>] = [:]
      for range in ranges {
        let path = try note.readCString()
        let known = byPath[path] ?? range
        byPath[path] =
          min(known.lowerBound, range.lowerBound)..<max(known.upperBound, range.upperBound)
      }
      for (path, range) in byPath {
        guard let table = try ehFrameTable(of: path) else { continue }
        // All are position-independent, linked at 0.
        modules.append(Module(range: range, bias: range.lowerBound, table: table))
      }
    }
  }

  func read(_ address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    for segment in segments {
      guard let offset = address.offset(from: segment.address) else { continue }
      let bytes = segment.bytes.clampedSubview(at: offset, count: count)
      if UInt64(bytes.count) == count { return bytes }
    }
    throw MemoryFault(address: address, reason: .unmapped)
  }

  func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 {
    try load(UInt64.self, at: address)
  }

  func unwindTable(for pc: VirtualAddress) -> LocatedUnwindTable? {
    modules.first { $0.range.contains(pc.rawValue) }.map {
      LocatedUnwindTable(table: $0.table, bias: $0.bias)
    }
  }

  func isCode(_ pc: VirtualAddress) -> Bool {
    segments.contains {
      $0.isExecutable && !$0.bytes.isEmpty
        && pc.offset(from: $0.address).map { [count = $0.bytes.count] in $0 < UInt64(count) }
          == true
    }
  }
}
