import Bytes
import Foundation
import Symbols
import Testing

/// Global variables, read from the program's file and printed, against gdb's `print`.
@Suite struct ValuesGlobalsTests {
  private static let scalars = Result {
    try ValuesProgram("scalars", ValuesPrograms.scalars, options: ["-O0", "-std=gnu17"])
  }
  private static let limits = Result {
    try ValuesProgram("limits", ValuesPrograms.limits, options: ["-O0", "-std=gnu17"])
  }
  private static let classes = Result {
    try ValuesProgram("classes", ValuesPrograms.classes, language: .cPlusPlus)
  }

  @Test(arguments: [true, false])
  func scalarsAreGDBs(unicode: Bool) throws {
    try compare(try Self.scalars.get(), unicode: unicode, atLeast: 150)
  }

  @Test(arguments: [true, false])
  func limitsAreGDBs(unicode: Bool) throws {
    try compare(try Self.limits.get(), unicode: unicode, atLeast: 140)
  }

  @Test func classesAreGDBs() throws {
    try compare(try Self.classes.get(), unicode: true, atLeast: 85)
  }

  /// The same while the program runs: objects are constructed, and have virtual bases.
  @Test func liveClassesAreGDBs() throws {
    let program = try Self.classes.get()
    let stop = try #require(try ValuesStops(program).stops.first)
    try compare(
      program, unicode: true, atLeast: 85,
      setup: ["break stop", "run", "disable pretty-printer"], memory: stop.memory)
  }

  /// Other limits than the default ones.
  @Test func limitsCanBeSet() throws {
    var options = FormatOptions()
    options.elementLimit = 7
    options.repeatThreshold = 3
    options.maximumDepth = 1
    try compare(
      try Self.scalars.get(), unicode: true, atLeast: 150, options: options,
      setup: ["set print elements 7", "set print repeats 3", "set print max-depth 1"])
    options = FormatOptions()
    options.showsStaticMembers = false
    try compare(
      try Self.classes.get(), unicode: true, atLeast: 85, options: options,
      setup: ["set print static-members off"])
  }

  /// The program's global variables by the names that the source gives them.
  private func globals(_ program: ValuesProgram) throws -> [String] {
    try ValuesProgram.run(["nm", "-C", program.path]).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", maxSplits: 2)
      guard fields.count == 3, "dDbBrRuV".contains(fields[1]) else { return nil }
      let name = String(fields[2])
      let isOwn =
        !name.hasPrefix("_") && name != "pmv" && !name.hasPrefix("std::")
        && !name.hasPrefix("completed")
        && !name.contains("[abi") && !name.contains(where: { " (<.@".contains($0) })
      return isOwn ? name : nil
    }
  }

  private func compare(
    _ program: ValuesProgram, unicode: Bool, atLeast count: Int,
    options: FormatOptions = FormatOptions(), setup: [String] = [], memory: ValuesMemory? = nil
  ) throws {
    var options = options
    options.showsUnicode = unicode
    let formatter = program.formatter(
      memory: try memory ?? ValuesMemory(program.image), options: options)
    let names = try globals(program)
    #expect(names.count >= count)
    let printed = try program.gdb(
      names.map { "print \($0)" }, setup: setup, locale: unicode ? "C.UTF-8" : "C")
    for (name, answer) in zip(names, printed) {
      let variable = try #require(try program.debug.globalVariable(named: name), "\(name)")
      // A constant has none; its class's value shows it.
      guard let address = variable.address else { continue }
      let value = TypedValue(
        graph: program.debug, type: variable.type, contents: .memory(VirtualAddress(address)))
      #expect(text(of: value, formatter) == stripped(answer), "\(name)")
    }
  }

  /// As gdb's command line has it: an error's message instead of the value.
  private func text(of value: TypedValue, _ formatter: ValueFormatter) -> String {
    var text = ""
    do throws(ValueError) {
      try formatter.write(value, style: .print, to: &text)
      return text
    } catch {
      return "\(error)"
    }
  }

  /// Without the `$1 = ` of the value history.
  private func stripped(_ answer: String) -> String {
    guard answer.hasPrefix("$"), let equals = answer.range(of: " = ") else { return answer }
    return String(answer[equals.upperBound...])
  }
}
