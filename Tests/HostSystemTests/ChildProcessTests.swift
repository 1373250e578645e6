import Foundation
import HostSystem
import TestWorlds
import Testing

struct ChildProcessTests {
  /// Runs a shell's command to its end. Gives how that was, and what was printed.
  private func run(_ command: String) throws -> (ending: ChildProcess.Ending?, text: String) {
    let scratch = try ScratchDirectory()
    let child = try ChildProcess(
      "/bin/sh", ["sh", "-c", command], input: .null,
      output: .file(try OpenFile.log(scratch.file("output"))), directory: scratch.path,
      endsWithParent: true, isAlone: true)
    let ending = child.wait(before: .now + .seconds(60))
    return (ending, String(decoding: try scratch.read("output"), as: UTF8.self))
  }

  @Test func `Tells how it ended`() throws {
    #expect(try run("exit 7").ending == .exited(status: 7))
    #expect(try run("kill -9 $$").ending == .signal(9))
    #expect(try run("cat; echo here").text == "here\n")
  }

  @Test func `A program that isn't there is an error`() {
    #expect(throws: HostError.self) {
      try ChildProcess("/nowhere", ["nowhere"], endsWithParent: false, isAlone: false)
    }
  }

  /// Foundation learns that a program has ended by the end of a socket that the program has: another one that had it,
  /// too, would keep it waiting.
  @Test func `It has no descriptors that weren't meant for it`() throws {
    let stray = dup(2)
    defer { close(stray) }
    try #require(stray > 2)
    // `ls` has one more for the directory that it lists.
    let (ending, text) = try run("ls /proc/self/fd")
    #expect(ending == .exited(status: 0))
    let listed = text.split(separator: "\n").compactMap { Int32($0) }.sorted()
    #expect(listed.count == 4)
    #expect(listed.prefix(3) == [0, 1, 2])
  }
}
