internal import Foundation

/// Small programs and the cores of them, made once for all tests of a run.
public struct CoreSubject: Sendable {
  public let directory: ScratchDirectory
  /// The program's path.
  public let program: String
  /// The core's path.
  public let core: String
  /// The process's id.
  public let processID: Int32
  /// Where it filled 8192 bytes with 0xa5.
  public let pattern: UInt64

  /// Four threads: the first one crashes, the others wait.
  static let source = #"""
    #include <pthread.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <unistd.h>
    static pthread_barrier_t barrier;
    static void *worker(void *argument) {
      pthread_barrier_wait(&barrier);
      for (;;) pause();
      return argument;
    }
    int main(int argc, char **argv) {
      pthread_attr_t small;
      pthread_attr_init(&small);
      pthread_attr_setstacksize(&small, 65536);
      unsigned char *page =
          mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      memset(page, 0xa5, 8192);
      pthread_barrier_init(&barrier, 0, 4);
      for (int i = 0; i < 3; i++) {
        pthread_t thread;
        pthread_create(&thread, &small, worker, 0);
      }
      pthread_barrier_wait(&barrier);
      printf("%d %lu\n", getpid(), (unsigned long)page);
      fflush(stdout);
      if (!strcmp(argv[1], "segv")) *(volatile int *)0x1234 = 1;
      if (!strcmp(argv[1], "wait")) getchar();
      abort();
    }
    """#

  /// Whether the kernel writes cores into the current directory.
  public static let kernelWritesCores: Bool = {
    guard
      let pattern = FileManager.default.contents(atPath: "/proc/sys/kernel/core_pattern")
    else { return false }
    return pattern.elementsEqual("core\n".utf8)
  }()

  /// A core by the kernel, of a process that died of `way`: "abort" or "segv".
  public static func kernelCore(_ way: String) throws -> CoreSubject {
    let (directory, program) = try build()
    let output = try Tool.run(
      "sh", "-c", "ulimit -c unlimited; '\(program)' \(way); true", in: directory)
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    guard let core = names.first(where: { $0 == "core" || $0.hasPrefix("core.") }) else {
      throw ToolFailure(description: "no core was written: \(names)")
    }
    return try subject(directory, program, directory.file(core), line: output)
  }

  /// A core by gdb's gcore, of a process that waits.
  public static func gdbCore() throws -> CoreSubject {
    let (directory, program) = try build()
    let running = try RunningTool(program, "wait", in: directory)
    let line = try running.readLine()
    try Tool.run(
      "gdb", "-q", "-nx", "-batch", "-p", "\(running.processID)", "-ex", "gcore gdb.core",
      in: directory)
    return try subject(directory, program, directory.file("gdb.core"), line: line)
  }

  private static func build() throws -> (ScratchDirectory, String) {
    let directory = try ScratchDirectory()
    try directory.write(source, to: "subject.c")
    try Tool.run("gcc", "-g", "-O1", "-pthread", "subject.c", "-o", "subject", in: directory)
    return (directory, directory.file("subject"))
  }

  private static func subject(
    _ directory: ScratchDirectory, _ program: String, _ core: String, line: String
  ) throws -> CoreSubject {
    let words = line.split(whereSeparator: \.isWhitespace)
    guard words.count >= 2, let processID = Int32(words[0]), let pattern = UInt64(words[1]) else {
      throw ToolFailure(description: "the subject printed \"\(line)\"")
    }
    return CoreSubject(
      directory: directory, program: program, core: core, processID: processID, pattern: pattern)
  }
}
