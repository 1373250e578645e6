import DebugFiles
import HostSystem
import ObjectFiles
import Symbols
import TestWorlds
import Testing
import Unwinding

@testable import Targets

/// A program that ran to its end in gdb, the core that gdb saved, and what gdb shows of it.
struct GDBSession {
  let directory: ScratchDirectory
  let core: String
  /// gdb's lines, as far as `main`.
  let lines: [String]
  /// For each of gdb's frames, inlined ones apart, the registers that it knows.
  let registers: [[String: UInt64]]

  /// Runs `program`, which lies in `directory`, with `argument`.
  init(_ program: String, _ argument: String, in directory: ScratchDirectory) throws {
    self.directory = directory
    let core = directory.file("\(program)-\(argument).core")
    self.core = core
    let script = try directory.write(Self.script, to: "\(program)-\(argument).gdb")
    let text = try Tool.run(
      "gdb", "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set width 0",
      "-ex", "run \(argument)", "-ex", "generate-core-file \(core)", "-x", script, "-ex", "kill",
      program, in: directory)
    let all = text.split(separator: "\n").map(String.init)
    var lines: [String] = []
    // gdb shows the innermost frame once when the program stops.
    let start = all.firstIndex(of: "BACKTRACE") ?? all.count
    for line in all[start...] where line.hasPrefix("#") {
      lines.append(line)
      if line.contains(" main (") { break }
    }
    self.lines = lines
    registers = all.filter { $0.hasPrefix("FRAME ") }.map { line in
      var values: [String: UInt64] = [:]
      for word in line.split(separator: " ").dropFirst() {
        let parts = word.split(separator: "=")
        if parts.count == 2 { values[String(parts[0])] = UInt64(parts[1], radix: 16) }
      }
      return values
    }
  }

  private static let script = """
    python
    print('BACKTRACE')
    gdb.execute('bt')
    frame = gdb.newest_frame()
    while frame:
      values = []
      for name in ['rip', 'rsp', 'rbx', 'rbp', 'r12', 'r13', 'r14', 'r15']:
        value = frame.read_register(name)
        if not value.is_optimized_out:
          values.append('%s=%x' % (name, int(value) & (2**64 - 1)))
      if frame.type() != gdb.INLINE_FRAME:
        print('FRAME ' + ' '.join(values))
      frame = frame.older()
    end

    """

  /// The core's process. Throws if it can't be opened.
  func process(_ places: DebugFilePlaces = DebugFilePlaces(debuginfod: .off)) throws -> Process {
    try Process(
      core: try CoreFile(MappedFile.open(core).bytes), finder: DebugFileFinder(places))
  }
}

extension SymbolicStack {
  /// The stack of the process's first thread.
  init(ofFirstThreadOf process: Process, problems: ProblemLog = ProblemLog()) throws {
    let thread = try #require(process.threads.first)
    self.init(
      process.backtrace(from: thread.registers), of: process, thread: thread, problems: problems)
  }

  /// The lines as gdb prints them, as far as `main`.
  var text: [String] {
    var text: [String] = []
    for line in lines {
      var shown = "#\(line.level)" + (line.level < 10 ? "  " : " ")
      if line.showsAddress {
        let digits = String(line.frame.pc.rawValue, radix: 16)
        shown += "0x" + String(repeating: "0", count: 16 - digits.count) + digits + " in "
      }
      shown += "\(line.functionName ?? "??") (\(arguments(of: line)))"
      if let place = line.scope?.location { shown += " at \(place.file):\(place.line)" }
      text.append(shown)
      if line.functionName == "main" { break }
    }
    return text
  }

  private func arguments(of line: SymbolicFrame) -> String {
    guard let context = context(of: line), let parameters = parameters(of: line) else { return "" }
    let formatter = ValueFormatter(memory: process.memory)
    return FrameText(formatter: formatter, reader: VariableReader(context)).arguments(parameters)
  }
}

extension [String] {
  /// gdb doesn't look beyond `main` unless it's told to, and so doesn't know what `main` was given.
  var withoutArgumentsOfMain: [String] {
    map { line in line.firstRange(of: " main (").map { String(line[..<$0.upperBound]) } ?? line }
  }
}
