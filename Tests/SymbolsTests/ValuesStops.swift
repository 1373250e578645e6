import Bytes
import Foundation
import Symbols
import Unwinding

/// What gdb tells about the frames of a running program, at each call of its function `stop`.
struct ValuesStops: Sendable {
  let program: ValuesProgram
  let stops: [Stop]

  struct Stop: Sendable {
    let memory: ValuesMemory
    let frames: [Frame]
  }

  /// One frame as gdb has it.
  struct Frame: Sendable {
    /// The text between the parentheses of its line.
    let arguments: String
    /// The lines of `backtrace full` below it.
    let locals: String
    let function: String
    let pc: UInt64
    let cfa: UInt64
    let registers: RegisterState
  }

  /// Runs `program` in gdb from one stop to the next.
  init(_ program: ValuesProgram, settings: [String] = []) throws {
    self.program = program
    let directory = URL(fileURLWithPath: program.path).deletingLastPathComponent()
      .appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let end = program.symbols.symbol(named: "_end").map(\.address)
    let start = program.symbols.symbol(named: "__data_start").map(\.address)
    guard let start, let end else { throw ValuesProgram.Failure(description: "no _end") }
    let script =
      ["set width 0", "set height 0", "set debuginfod enabled off"] + settings + [
        "set $count = 0", "break stop",
        // So that there is stack enough above main's frame.
        "set environment PADDING " + String(repeating: "x", count: 8192), "run",
        "while $_isvoid($_exitcode)", "echo @stop\\n", "bt full",
        "frame apply all -q info frame", "frame apply all -q info registers",
        "set $top = $sp - 256", "up 1000",
        "eval \"dump binary memory \(directory.path)/stack%d $top ($sp + 4096)\", $count",
        "eval \"dump binary memory \(directory.path)/data%d \(start) \(end)\", $count",
        "printf \"@memory %lu\\n\", $top", "set $count = $count + 1", "continue", "end",
      ]
    let file = directory.appendingPathComponent("script.gdb")
    try script.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    let output = try ValuesProgram.run(
      ["gdb", "-nx", "-batch", "-x", file.path, program.path], environment: ["LC_ALL": "C.UTF-8"])
    let image = try ValuesMemory(program.image)
    stops = try output.components(separatedBy: "@stop\n").dropFirst().enumerated().map {
      index, text in
      var memory = ValuesMemory()
      let top = text.components(separatedBy: "@memory ").dropFirst().first?
        .prefix { $0.isNumber }
      for (name, address) in [("stack", top.flatMap { UInt64($0) }), ("data", start)] {
        let data = try Data(contentsOf: directory.appendingPathComponent("\(name)\(index)"))
        memory.parts.append((address ?? 0, ByteView(copying: data)))
      }
      memory.parts += image.parts
      return Stop(memory: memory, frames: try Self.frames(in: text))
    }
  }

  // MARK: Reading gdb's output

  private static func frames(in text: String) throws -> [Frame] {
    let lines = text.components(separatedBy: "\n")
    let infoStart = lines.firstIndex { $0.hasPrefix("Stack level ") } ?? lines.endIndex
    var heads: [(line: String, locals: String)] = []
    for line in lines[..<infoStart] {
      if line.hasPrefix("#") {
        heads.append((line, ""))
      } else if !heads.isEmpty, line.hasPrefix("        ") || line == "No locals." {
        heads[heads.count - 1].locals += line + "\n"
      }
    }
    let cfas = hexNumbers(lines, between: "frame at ", and: ":")
    let counters = hexNumbers(lines, between: " rip = ", and: nil)
    let registers = registerStates(lines)
    guard heads.count == cfas.count, heads.count == counters.count, heads.count == registers.count
    else {
      throw ValuesProgram.Failure(
        description: "\(heads.count) \(cfas.count) \(counters.count) \(registers.count): \(text)")
    }
    return heads.indices.map { index in
      let (function, arguments) = Self.split(heads[index].line)
      return Frame(
        arguments: arguments, locals: heads[index].locals, function: function,
        pc: counters[index], cfa: cfas[index], registers: registers[index])
    }
  }

  /// `#1  0x401136 in f<int> (x=5) at f.c:1` taken apart.
  private static func split(_ line: String) -> (function: String, arguments: String) {
    let head = line.components(separatedBy: ") at /").first ?? line
    let equals = head.firstIndex(of: "=") ?? head.endIndex
    guard let open = head[..<equals].range(of: " (", options: .backwards) else { return (line, "") }
    let name = head[..<open.lowerBound].split(separator: " ").last.map(String.init) ?? ""
    return (name, String(head[open.upperBound...]))
  }

  private static func hexNumbers(
    _ lines: [String], between start: String, and end: String?
  ) -> [UInt64] {
    lines.compactMap { line in
      guard line.hasPrefix("Stack level") || line.hasPrefix(" rip = "),
        let found = line.range(of: start)
      else { return nil }
      let rest = line[found.upperBound...].prefix { $0.isHexDigit || $0 == "x" }
      return UInt64(rest.dropFirst(2), radix: 16)
    }
  }

  private static let registerNames =
    ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"]
    + (8...15).map { "r\($0)" } + ["rip"]

  private static func registerStates(_ lines: [String]) -> [RegisterState] {
    var states: [RegisterState] = []
    for line in lines {
      let fields = line.split(separator: " ")
      guard fields.count >= 2, let number = registerNames.firstIndex(of: String(fields[0])) else {
        continue
      }
      if number == 0 { states.append(RegisterState()) }
      guard !states.isEmpty, fields[1].hasPrefix("0x") else { continue }
      states[states.count - 1][RegisterNumber(UInt16(number))] =
        UInt64(fields[1].dropFirst(2), radix: 16)
    }
    return states
  }
}

/// A frame as gdb told of it.
final class ValuesFrame: FrameContext {
  let program: ValuesProgram
  let registers: RegisterState
  let memory: any Memory
  let canonicalFrameAddress: VirtualAddress?
  let scopes: [FunctionScope]
  /// The address to look things up by.
  let place: UInt64
  let caller: CallerContext?

  init(_ program: ValuesProgram, _ stop: ValuesStops.Stop, _ frames: ArraySlice<ValuesStops.Frame>)
    throws
  {
    let frame = frames[frames.startIndex]
    self.program = program
    memory = stop.memory
    registers = frame.registers
    canonicalFrameAddress = VirtualAddress(frame.cfa)
    place = frames.startIndex == 0 ? frame.pc : frame.pc - 1
    scopes = try program.debug.frames(at: place)
    // The lines of inlined functions share a frame.
    let outer = frames.drop { $0.cfa == frame.cfa }
    if outer.isEmpty {
      caller = nil
    } else {
      let context = try ValuesFrame(program, stop, outer)
      let site = try program.debug.callSite(returnAddress: outer[outer.startIndex].pc)
      caller = site.map { CallerContext(frame: context, callSite: $0) }
    }
  }

  var graph: any TypeGraph { program.debug }
  var bias: UInt64 { 0 }
  var function: FunctionScope? { scopes.last }

  var frameBase: [DWARFOperation]? {
    do {
      return try function.flatMap { try program.debug.frameBase(of: $0, at: place) }
    } catch {
      return nil
    }
  }

  func functionAddress(linkageName: String) -> VirtualAddress? {
    program.symbols.symbol(named: linkageName).map { VirtualAddress($0.address) }
  }

  func arrayBounds(of array: TypeID) -> [ArrayBound] {
    do { return try program.debug.arrayBounds(of: array, at: place) } catch { return [] }
  }

  func variable(_ id: EntryID) -> Variable? {
    do {
      for scope in scopes {
        for arguments in [true, false] {
          let all = try program.debug.variables(in: scope, at: place, arguments: arguments)
          if let found = all.first(where: { $0.id == id }) { return found }
        }
      }
    } catch {
      return nil
    }
    return nil
  }
}
