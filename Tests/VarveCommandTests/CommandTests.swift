import Foundation
import TestWorlds
import Testing

/// The command as a person meets it: what it prints, where, and its exit status.
@Suite struct CommandTests {
  private func varve(
    _ arguments: String..., in directory: ScratchDirectory
  ) throws -> (status: Int, text: String) {
    try Command.run(arguments, in: directory)
  }

  @Test func whatCantBeReadIsOneLineAndStatusOne() throws {
    let directory = try ScratchDirectory()
    let missing = try varve("bt", "no-such-file", in: directory)
    #expect(missing.status == 1)
    #expect(
      missing.text == "varve: no-such-file: no-such-file: No such file or directory"
        || missing.text.hasPrefix("varve: no-such-file: "))
    #expect(!missing.text.contains("\n"))
    for (name, contents) in [("empty", ""), ("text", "hello"), ("elf", "\u{7f}ELF")] {
      let path = try directory.write(contents, to: name)
      let result = try varve("info", path, in: directory)
      #expect(result.status == 1, "\(name)")
      #expect(result.text.hasPrefix("varve: \(path): "), "\(result.text)")
      #expect(!result.text.contains("\n"), "\(result.text)")
    }
    let directoryItself = try varve("info", directory.path, in: directory)
    #expect(directoryItself.status == 1)
    #expect(directoryItself.text.contains("directory"))
  }

  @Test func whatCantBeUnderstoodIsStatus64() throws {
    let directory = try ScratchDirectory()
    #expect(try varve("bt", in: directory).status == 64)
    #expect(try varve("bt", "core", "--thread", "1", "-a", in: directory).status == 64)
    #expect(try varve("bt", "core", "--coroutine", "xyz", in: directory).status == 64)
    #expect(try varve("core", "core", "-o", "out", in: directory).status == 64)
    #expect(try varve("frobnicate", in: directory).status == 64)
  }

  @Test func whatDoesntGoTogetherIsStatus64() throws {
    let directory = try ScratchDirectory()
    let raw = try varve(
      "vmcore", "core", "-o", "out", "--format", "raw", "--filter", "zero", in: directory)
    #expect(raw.status == 64)
    let host = try varve(
      "memory", "core", "--host", "0", "16", "--ram-file", "file", in: directory)
    #expect(host.status == 64)
  }

  @Test func rawMemoryIsNeverReplacedByItsDump() throws {
    let directory = try ScratchDirectory()
    let path = try directory.write([UInt8](repeating: 7, count: 8192), to: "ram.img")
    let result = try varve("vmcore", "\(path)@0", "-o", path, "--force", in: directory)
    #expect(result.status == 1)
    #expect(result.text.contains(path))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(repeating: 7, count: 8192))
  }

  /// A monitor pauses what is read: that it can't be reached must not go unnoticed.
  @Test(arguments: ["info", "regs"])
  func monitorsAreUsedOrRefused(command: String) throws {
    let directory = try ScratchDirectory()
    let path = try directory.write([UInt8](repeating: 7, count: 8192), to: "ram.img")
    let file = try varve(command, "\(path)@0", "--qmp", "no-such-socket", in: directory)
    #expect(file.status == 1)
    #expect(file.text.contains("--qmp goes with a running QEMU only"))
    let live = try varve(command, "pid:1", "--qmp", "no-such-socket", in: directory)
    #expect(live.status == 1)
    #expect(live.text.contains("no-such-socket"))
  }

  @Test(arguments: ["info", "bt", "coroutines", "core", "vmcore", "regs", "memory"])
  func everyCommandHasExamples(command: String) throws {
    let directory = try ScratchDirectory()
    let help = try varve("help", command, in: directory)
    #expect(help.status == 0)
    #expect(help.text.contains("EXAMPLES"))
    #expect(help.text.contains("varve \(command) core"))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreMade(shell: String) throws {
    let directory = try ScratchDirectory()
    let script = try varve("--generate-completion-script", shell, in: directory)
    #expect(script.status == 0)
    #expect(script.text.contains("coroutines"))
  }
}
