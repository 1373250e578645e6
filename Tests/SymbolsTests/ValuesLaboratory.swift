import Bytes
import Foundation
import ObjectFiles
import Symbols

/// Compiles programs, asks gdb about them, and gives their memory to the formatter.
struct ValuesProgram: Sendable {
  let path: String
  let debug: DebugInformation
  let image: ELFImage
  let symbols: ELFSymbols
  let language: SourceLanguage

  /// Where everything is built; removed when the tests end.
  private static let directory: URL = {
    atexit {
      do {
        try FileManager.default.removeItem(at: ValuesProgram.directory)
      } catch {
        print("\(ValuesProgram.directory.path) is left behind: \(error)")
      }
    }
    return FileManager.default.temporaryDirectory
      .appendingPathComponent("varve-values-\(ProcessInfo.processInfo.processIdentifier)")
  }()

  /// Builds `source` with GCC at a fixed address, so that link-time addresses are those of gdb.
  init(
    _ name: String, _ source: String, language: SourceLanguage = .c, options: [String] = ["-O0"]
  ) throws {
    let directory = Self.directory.appendingPathComponent("\(name)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let isCPlusPlus = language == .cPlusPlus
    let file = directory.appendingPathComponent(name + (isCPlusPlus ? ".cc" : ".c"))
    try source.write(to: file, atomically: true, encoding: .utf8)
    path = directory.appendingPathComponent(name).path
    let standard = isCPlusPlus ? ["g++", "-std=c++20"] : ["gcc"]
    _ = try Self.run(
      standard + ["-g", "-w", "-no-pie", "-fno-pie"] + options + ["-o", path, file.path])
    let bytes = ByteView(copying: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
    debug = try DebugInformation(image: bytes, name: name)
    image = try ELFImage(bytes)
    symbols = try ELFSymbols(images: [image])
    self.language = language
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Tests run on threads that have all signals blocked, and children inherit that: gdb would wait
  /// for its SIGCHLD for ever.
  private static let unblockSignals = [
    "perl", "-MPOSIX", "-e", "sigprocmask(SIG_SETMASK, POSIX::SigSet->new()); exec @ARGV",
  ]

  static func run(_ command: [String], environment: [String: String] = [:]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = unblockSignals + ["timeout", "120"] + command
    process.standardInput = FileHandle.nullDevice
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(command[0]) failed: \(text)")
    }
    return text
  }

  /// What gdb says to each of `commands`, after `setup`.
  func gdb(
    _ commands: [String], setup: [String] = [], locale: String = "C.UTF-8"
  ) throws -> [String] {
    let mark = "-=- next -=-"
    var script = ["set width 0", "set debuginfod enabled off"] + setup
    // Settings must be made even if a command fails, so each goes in as one of its own.
    for command in commands { script += ["echo \\n\(mark)\\n", command] }
    let arguments = script.flatMap { ["-ex", $0] }
    let output = try Self.run(
      ["gdb", "-nx", "-batch"] + arguments + [path], environment: ["LC_ALL": locale])
    let answers = output.components(separatedBy: "\n\(mark)\n").dropFirst()
    guard answers.count == commands.count else {
      throw Failure(description: "gdb answered \(answers.count) of \(commands.count): \(output)")
    }
    return answers.map { $0.trimmingCharacters(in: .newlines) }
  }

  /// gdb's names for addresses: `<table+16>`.
  func nameAddress(_ address: VirtualAddress) -> (name: String, offset: UInt64)? {
    guard let (symbol, offset) = symbols.symbol(at: address.rawValue),
      symbol.size > 0 || symbol.kind == .function
    else { return nil }
    return (Demangler.demangle(symbol.name) ?? symbol.name, offset)
  }

  func formatter(memory: any Memory, options: FormatOptions = FormatOptions()) -> ValueFormatter {
    ValueFormatter(
      memory: memory, language: language, options: options, nameAddress: nameAddress,
      findStaticMember: { [debug] graph, type, name in
        do {
          guard case .record(let record) = try graph.node(type), let scope = record.name,
            let variable = try debug.globalVariable(named: scope + "::" + name),
            let address = variable.address
          else { return nil }
          return TypedValue(
            graph: debug, type: variable.type, contents: .memory(VirtualAddress(address)))
        } catch {
          return nil
        }
      })
  }
}

/// Memory as a program's file lays it out before it runs, or as pieces put side by side.
struct ValuesMemory: Memory {
  var parts: [(address: UInt64, bytes: ByteView)] = []

  init() {}

  init(_ image: ELFImage) throws {
    for segment in image.segments where segment.type == .load {
      var bytes = try image.contents(of: segment).copy()
      bytes += [UInt8](repeating: 0, count: Int(segment.memorySize) - bytes.count)
      parts.append((segment.address.rawValue, ByteView(copying: bytes)))
    }
  }

  init(_ contents: [UInt64: [UInt8]]) {
    parts = contents.sorted { $0.key < $1.key }.map { ($0.key, ByteView(copying: $0.value)) }
  }

  func read(_ address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    var found: [UInt8] = []
    var next = address.rawValue
    while UInt64(found.count) < count {
      guard
        let part = parts.first(where: {
          next >= $0.address && next - $0.address < UInt64($0.bytes.count)
        })
      else { throw MemoryFault(address: VirtualAddress(next), reason: .unmapped) }
      let rest = part.bytes.clampedSubview(
        at: next - part.address, count: count - UInt64(found.count))
      found += rest.copy()
      next += UInt64(rest.count)
    }
    return ByteView(copying: found)
  }

  func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 { try load(at: address) }
}
