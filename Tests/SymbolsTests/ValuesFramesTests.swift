import Foundation
import Symbols
import Testing

/// Arguments and locals of live frames against gdb's `backtrace full`.
@Suite struct ValuesFramesTests {
  @Test(arguments: ["-O0", "-Og", "-O2"])
  func framesOfC(optimization: String) throws {
    let program = try ValuesProgram("frames", ValuesPrograms.frames, options: [optimization])
    try compare(program, atLeast: 70)
  }

  @Test(arguments: ["-O0", "-O2"])
  func framesOfCPlusPlus(optimization: String) throws {
    let program = try ValuesProgram(
      "methods", ValuesPrograms.methods, language: .cPlusPlus, options: [optimization])
    try compare(program, atLeast: 25)
  }

  @Test(arguments: ["all", "presence"])
  func argumentModes(mode: String) throws {
    let program = try ValuesProgram("frames", ValuesPrograms.frames, options: ["-O2"])
    var options = FormatOptions()
    options.frameArguments = try #require(FrameArgumentsMode(rawValue: mode))
    try compare(
      program, atLeast: 70, options: options, settings: ["set print frame-arguments \(mode)"])
  }

  @Test func withoutEntryValues() throws {
    let program = try ValuesProgram("frames", ValuesPrograms.frames, options: ["-O2"])
    var options = FormatOptions()
    options.entryValues = .no
    try compare(program, atLeast: 70, options: options, settings: ["set print entry-values no"])
  }

  private func compare(
    _ program: ValuesProgram, atLeast count: Int, options: FormatOptions = FormatOptions(),
    settings: [String] = []
  ) throws {
    var compared = 0
    for stop in try ValuesStops(program, settings: settings).stops {
      var physical = 0
      for index in stop.frames.indices {
        let frame = stop.frames[index]
        if index > 0, stop.frames[index - 1].cfa != frame.cfa { physical = index }
        let context = try ValuesFrame(program, stop, stop.frames[physical...])
        // gdb lists an assembler function too, of which there is nothing to say.
        guard index - physical < context.scopes.count else { continue }
        let scope = context.scopes[index - physical]
        let text = FrameText(
          formatter: program.formatter(memory: stop.memory, options: options),
          reader: VariableReader(context))

        let arguments = try program.debug.variables(
          in: scope, at: context.place, arguments: true)
        let entry = try #require(context.scopes.last?.ranges.first?.lowerBound)
        let parameters = FrameText.Parameter.matching(
          arguments,
          atEntry: try program.debug.variables(in: scope, at: entry, arguments: true))
        #expect(text.arguments(parameters) == frame.arguments, "\(frame.function)")

        let locals = try program.debug.variables(in: scope, at: context.place, arguments: false)
        #expect(text.locals(locals) == frame.locals, "\(frame.function)")
        compared += 1
      }
    }
    #expect(compared >= count)
  }
}
