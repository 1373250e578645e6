import Foundation
import TestWorlds
import Testing
import Varve

/// The copies in which coroutines are threads, as plain debuggers see them.
@Suite struct AugmentedCoreTests {
  private static let subject = "core-ucontext-abort"

  /// Writes the copy; gives its path and the report.
  private func write(
    _ dump: CoreDump, in directory: ScratchDirectory
  ) throws -> (path: String, report: AugmentedCoreReport) {
    let path = directory.path + "/augmented.core"
    return (path, try dump.writeCore(to: path))
  }

  private func open() throws -> (dump: CoreDump, program: String) {
    let (core, program) = try Subjects.core(Self.subject)
    let places = DebugFilePlaces(debuginfod: .off)
    return (try CoreDump(opening: core, places: places), try #require(program))
  }

  /// The function names of a gdb or Varve backtrace down to where the coroutine began.
  private func functions(_ lines: [Substring]) -> [String] {
    var names: [String] = []
    for line in lines where line.hasPrefix("#") {
      var words = line.split(separator: " ").dropFirst()
      if words.first?.hasPrefix("0x") == true { words = words.dropFirst(2) }
      names.append(words.first.map(String.init) ?? "")
      if names.last == "coroutine_trampoline" { break }
    }
    return names
  }

  @Test func gdbShowsEachCoroutineAsVarveDoes() throws {
    let directory = try ScratchDirectory()
    let (dump, program) = try open()
    let (path, report) = try write(dump, in: directory)
    #expect(report.threads.count > 50)
    let chosen = report.threads.prefix(40)
    var commands: [String] = []
    for thread in chosen {
      commands += [
        "-ex", "echo == \(thread.coroutine)\\n", "-ex", "thread apply \(thread.number) bt",
      ]
    }
    let script = try directory.write(
      commands.filter { $0 != "-ex" }.joined(separator: "\n") + "\n", to: "commands")
    let output = try Tool.run(
      "gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "set width 0",
      program, path, "-x", script, in: directory)
    var stacks: [String: [Substring]] = [:]
    var current = ""
    for line in output.split(separator: "\n") {
      if line.hasPrefix("== ") { current = String(line.dropFirst(3)) }
      stacks[current, default: []].append(line)
    }
    let own = try dump.backtraces(
      .first(coroutines: true), options: StackOptions(frameArguments: .presence))
    for thread in chosen {
      let coroutine = try #require(own.coroutines.first { $0.address == thread.coroutine })
      let ours = functions(coroutine.text(.plain).split(separator: "\n"))
      let theirs = functions(stacks[thread.coroutine] ?? [])
      #expect(ours.count > 1)
      #expect(ours == theirs, "\(thread.coroutine), \(thread.state)")
    }
  }

  @Test func lldbShowsEachCoroutine() throws {
    let directory = try ScratchDirectory()
    let (dump, program) = try open()
    let (path, report) = try write(dump, in: directory)
    let output = try Tool.run(
      "lldb", "--no-lldbinit", "--batch", "-c", path, program, "-o", "thread backtrace all",
      in: directory)
    let switches = output.components(separatedBy: "`qemu_coroutine_switch(").count - 1
    #expect(switches >= report.threads.count, "\(switches) of \(report.threads.count)")
    #expect(output.contains("action=COROUTINE_YIELD"))
  }

  @Test func theCopyIsPrivateCompleteAndNeverInPlaceOfSomethingElse() throws {
    let directory = try ScratchDirectory()
    let (dump, _) = try open()
    let (path, report) = try write(dump, in: directory)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    let copy = try CoreFile(try MappedFile.open(path).bytes)
    #expect(copy.threads.count == dump.core.threads.count + report.threads.count)
    #expect(copy.segments.map(\.address) == dump.core.segments.map(\.address))
    #expect(copy.segments.map(\.availableSize) == dump.core.segments.map(\.availableSize))
    #expect(copy.diagnostics.isEmpty)
    #expect(throws: VarveError.self) { try dump.writeCore(to: path) }
    #expect(throws: VarveError.self) { try dump.writeCore(to: dump.path, replacing: true) }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["augmented.core"])
  }
}
