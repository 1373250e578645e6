import Bytes
import Foundation
import Symbols

/// A program compiled at test time, and what other debuggers say about it.
struct DebugProgram {
  let directory: URL
  let path: String
  var bytes: ByteView { get throws { try Self.bytes(of: path) } }

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// Compiles `source` (of C, or of C++ if `isCPlusPlus`) with `options`.
  init(_ source: String, isCPlusPlus: Bool = false, options: [String]) throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("varve-symbols-\(UUID().uuidString)")
    let sources = directory.appendingPathComponent("src")
    try FileManager.default.createDirectory(at: sources, withIntermediateDirectories: true)
    let build = directory.appendingPathComponent("build")
    try FileManager.default.createDirectory(at: build, withIntermediateDirectories: true)
    let file = isCPlusPlus ? "program.cc" : "program.c"
    try source.write(to: sources.appendingPathComponent(file), atomically: true, encoding: .utf8)
    try Self.header.write(
      to: sources.appendingPathComponent("inline.h"), atomically: true, encoding: .utf8)
    path = build.appendingPathComponent("program").path
    // A relative path into another directory, as QEMU's build has it.
    _ = try Self.run(
      [isCPlusPlus ? "g++" : "gcc", "-g", "-w"] + options + ["-o", "program", "../src/" + file],
      in: build)
  }

  /// Included by the programs, so that functions of another file are inlined.
  static let header = """
    static inline __attribute__((always_inline)) int twice(int number) {
      int result = number * 2;
      if (result > 100) result -= number;
      return result;
    }
    """

  static func bytes(of path: String) throws -> ByteView {
    ByteView(copying: try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  static func run(
    _ command: [String], in directory: URL? = nil, input: String? = nil
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = directory
    let output = Pipe()
    process.standardOutput = output
    process.standardError = Pipe()
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(command.prefix(3)) failed")
    }
    return String(decoding: data, as: UTF8.self)
  }

  static func isInstalled(_ tool: String) -> Bool {
    do {
      _ = try run(["which", tool])
      return true
    } catch {
      return false
    }
  }

  /// What gdb prints for `commands`.
  func gdb(_ commands: [String]) throws -> String {
    try Self.gdb(commands, path)
  }

  static func gdb(_ commands: [String], _ path: String) throws -> String {
    try run(
      ["gdb", "-nx", "-batch", "-ex", "set width 0", "-ex", "set debuginfod enabled off"]
        + commands.flatMap { ["-ex", $0] } + [path])
  }

  /// Runs a Python script in gdb and gives the lines that it prints.
  static func gdb(script: String, _ path: String) throws -> [String] {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("varve-gdb-\(UUID().uuidString).py")
    try script.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let text = try run(
      [
        "gdb", "-nx", "-batch", "-ex", "set width 0", "-ex", "set debuginfod enabled off", "-x",
        file.path, path,
      ])
    return text.split(separator: "\n").map(String.init)
  }

  func remove() throws { try FileManager.default.removeItem(at: directory) }
}
