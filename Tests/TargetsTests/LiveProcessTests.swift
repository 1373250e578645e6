import Bytes
import DebugFiles
import HostSystem
import TestWorlds
import Testing
import Unwinding

@testable import Targets

@Suite struct ProcessMapTests {
  @Test func linesAreReadAsTheKernelWritesThem() throws {
    let lines = ProcessMapLine.list(
      """
      55d0c0a00000-55d0c0a01000 r-xp 00002000 fd:00 1311 /usr/bin/a b
      7f0000000000-7f0000100000 rw-p 00000000 00:00 0\u{20}
      7f0000200000-7f0000300000 rw-s 00001000 00:01 1024                       /memfd:ram (deleted)
      7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
      nonsense
      9-8 rw-p 0 0:0 0
      """)
    #expect(lines.count == 4)
    #expect(lines.map(\.mapping.path) == ["/usr/bin/a b", nil, "/memfd:ram (deleted)", "[stack]"])
    #expect(lines.map(\.isShared) == [false, false, true, false])
    #expect(lines.map(\.isAnonymous) == [false, true, false, true])
    #expect(lines[0].mapping.protection == [.read, .execute])
    #expect(lines[0].mapping.fileOffset == FileOffset(0x2000))
    #expect(lines[1].mapping.fileOffset == nil)
    #expect(lines[2].mapping.count == 0x100000)
  }

  @Test func waitingThreadsHaveStackPointerAndCounter() {
    let waiting = LiveLayout.registers(
      "202 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffd1000 0x7f0010\n", .x86_64)
    #expect(waiting[Architecture.x86_64.stackPointer] == 0x7ffd_1000)
    #expect(waiting[Architecture.x86_64.programCounter] == 0x7f_0010)
    #expect(waiting[Architecture.x86_64.framePointer] == nil)
    #expect(
      LiveLayout.registers("-1 0x10 0x20\n", .x86_64)[Architecture.x86_64.stackPointer] == 0x10)
    #expect(
      LiveLayout.registers("running\n", .x86_64)[Architecture.x86_64.programCounter] == nil)
  }
}

/// A program that waits, having printed where its memory is.
private let source = #"""
  #define _GNU_SOURCE
  #include <pthread.h>
  #include <sched.h>
  #include <stdatomic.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/mman.h>
  #include <unistd.h>
  static atomic_int identity;
  static void *worker(void *argument) { identity = gettid(); for (;;) pause(); return argument; }
  // Whether the worker sleeps in pause(2), system call 34.
  static int pauses(void) {
    char path[64], number[4] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", identity);
    FILE *file = identity ? fopen(path, "r") : 0;
    if (!file) return 0;
    char *read = fgets(number, sizeof number, file);
    fclose(file);
    return read && !strcmp(number, "34 ");
  }
  int main(void) {
    size_t size = 64 << 20;
    int fd = memfd_create("ram", 0);
    if (ftruncate(fd, size)) abort();
    unsigned char *shared = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *private = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(private, size, MADV_NOHUGEPAGE);
    memset(shared + (32 << 20), 0x5a, 4096);
    memset(private + (32 << 20), 0xa5, 8192);
    pthread_t thread;
    pthread_create(&thread, 0, worker, 0);
    while (!pauses()) sched_yield();
    printf("%lu %lu %d\n", (unsigned long)shared, (unsigned long)private, getpid());
    fflush(stdout);
    getchar();
    return 0;
  }
  """#

@Suite(.serialized) struct LiveProcessTests {
  let directory: ScratchDirectory
  let running: RunningTool
  let shared: VirtualAddress
  let own: VirtualAddress

  init() throws {
    directory = try ScratchDirectory()
    try directory.write(source, to: "wait.c")
    try Tool.run("gcc", "-g", "-O1", "-pthread", "wait.c", "-o", "wait", in: directory)
    running = try RunningTool(directory.file("wait"), in: directory)
    let words = try running.readLine().split(separator: " ").compactMap { UInt64($0) }
    try #require(words.count == 3)
    shared = VirtualAddress(words[0])
    own = VirtualAddress(words[1])
  }

  private func open() throws -> Targets.Process {
    try Process(live: running.processID, finder: DebugFileFinder(DebugFilePlaces()))
  }

  @Test func memoryIsTheProcesss() throws {
    let process = try open()
    let middle = own &+ (32 << 20)
    #expect(process.diagnostics == [])
    #expect(
      try process.memory.read(middle &- 4, count: 8).copy()
        == [0, 0, 0, 0, 0xa5, 0xa5, 0xa5, 0xa5])
    #expect(try process.memory.word(at: middle &+ 8188) == 0x0000_0000_a5a5_a5a5)
    #expect(
      try process.memory.read(shared &+ (32 << 20) &+ 4090, count: 8).copy()
        == [0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0, 0])
    #expect(try process.memory.read(middle, count: 3 << 20).count == 3 << 20)
    #expect(throws: MemoryFault.self) { try process.memory.word(at: VirtualAddress(8)) }
    let mapping = try #require(process.mapping(containing: shared))
    #expect(mapping.path == "/memfd:ram (deleted)")
  }

  @Test func searchesSeeOnlyWhatWasTouched() throws {
    let process = try open()
    for (start, size) in [(own, UInt64(8192)), (shared, 4096)] {
      let range = start..<(start &+ (64 << 20))
      let region = try #require(process.memory.region(containing: start)?.clipped(to: range))
      #expect(region.count == 64 << 20)
      #expect(region.isReadable && region.bytes == nil)
      var seen: UInt64 = 0
      region.forEachWindow(of: 4 << 20) { address, bytes in
        let touched = start &+ (32 << 20)..<(start &+ (32 << 20) &+ size)
        // Data is told from holes by pages, and read to the window's end.
        if address <= touched.lowerBound { seen += size }
        return !bytes.isEmpty
      }
      #expect(seen == size)
      guard case .fetched(let source, let offset) = region.contents,
        case .zeros(let zeros) = source.run(at: offset, limit: region.count)
      else {
        Issue.record("what was never touched is read")
        continue
      }
      #expect(zeros == 32 << 20)
    }
  }

  @Test func modulesAndThreadsAreThere() throws {
    let process = try open()
    let program = try #require(process.program)
    #expect(program.path.hasSuffix("/wait"))
    let notes = try Tool.run("readelf", "-n", "wait", in: directory)
    let identity = try #require(program.buildID)
    #expect(notes.contains("\(identity)"))
    #expect(process.modules.contains { $0.path == "[vdso]" })
    #expect(process.modules.contains { $0.name.hasPrefix("libc.so") })
    #expect(process.threads.count == 2)
    #expect(process.threads.first?.lwp == UInt32(running.processID))
    // The second waits in pause(2), which the C library calls.
    let waiting = process.threads[1]
    let counter = try #require(waiting.registers[process.architecture.programCounter])
    #expect(process.module(containing: VirtualAddress(counter))?.name.hasPrefix("libc.so") == true)
    let stack = process.backtrace(from: waiting.registers)
    let names = stack.frames.map {
      process.module(containing: $0.pc)?.symbol(at: $0.pc)?.symbol.name
    }
    #expect(names.contains("worker"))
  }

  @Test func aProcessThatIsNotThereIsSaidSo() {
    #expect(throws: TargetError.self) {
      try Process(live: 0x3fff_ffff, finder: DebugFileFinder(DebugFilePlaces()))
    }
  }
}
