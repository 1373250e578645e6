import Bytes
import Foundation
import ObjectFiles
import Symbols
import Testing

/// Lines, functions and variables at every address of whole programs, compared with gdb's.
@Suite struct ScopesTests {
  private static let variants: [[String]] = [
    ["-O0"], ["-O2"], ["-O2", "-gdwarf-4", "-gz"], ["-O2", "-gsplit-dwarf"],
    ["-O2", "-gsplit-dwarf", "-gdwarf-4"], ["-O1", "-fdebug-types-section", "-gdwarf-4"],
  ]

  @Test(
    arguments: variants + [
      ["-O3", "-flto"], ["-Os", "-gdwarf-3", "-gz=zlib-gnu"],
      ["-O2", "-ffunction-sections", "-Wl,--gc-sections", "-fdebug-types-section"],
    ])
  func sameAsGDBInC(options: [String]) throws {
    let program = try DebugProgram(SamplePrograms.c, options: options)
    let image = try ELFImage(program.bytes)
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let symbols = try ELFSymbols(images: [image])
    let addresses = GDBComparison.addresses(of: symbols, SamplePrograms.functions)
    #expect(addresses.count > 100)
    try compare(debug, program.path, addresses)
    #expect(debug.diagnostics == [])
    try program.remove()
  }

  // Strict DWARF 2 doesn't say where inlined functions were called.
  @Test(arguments: variants + [["-O2", "-gdwarf-2", "-gstrict-dwarf"]])
  func sameAsGDBInCPlusPlus(options: [String]) throws {
    let program = try DebugProgram(
      SamplePrograms.cPlusPlus, isCPlusPlus: true, options: options)
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let text = try #require(try ELFImage(program.bytes).section(named: ".text"))
    let start = text.address.rawValue
    let addresses = Array(start..<start + text.size)
    try compare(debug, program.path, addresses)
    try program.remove()
  }

  private func compare(
    _ debug: DebugInformation, _ path: String, _ addresses: [UInt64]
  ) throws {
    let theirs = try GDBComparison.gdb(path, addresses)
    let ours = try GDBComparison.ours(debug, addresses)
    try #require(theirs.count == ours.count)
    for (their, our) in zip(theirs, ours) where their != our {
      Issue.record("gdb:  \(their)\nours: \(our)")
      break
    }
  }

  @Test(.enabled(if: LibC.debugFile != nil))
  func sameAsGDBInLibC() throws {
    let path = try #require(LibC.debugFile)
    let debug = try DebugInformation(image: DebugProgram.bytes(of: path), name: "libc.so.6")
    let text = try #require(try ELFImage(DebugProgram.bytes(of: path)).section(named: ".text"))
    // A stride that shares no factor with the functions' alignment.
    let addresses = stride(
      from: text.address.rawValue, to: text.address.rawValue + text.size, by: 2741)
    let theirs = try GDBComparison.gdb(path, Array(addresses))
    let ours = try GDBComparison.ours(debug, Array(addresses))
    func withoutVariables(_ line: String) -> String {
      line.split(separator: "\t", omittingEmptySubsequences: false).prefix(3).joined(
        separator: "\t")
    }
    #expect(ours.map(withoutVariables) == theirs.map(withoutVariables))
  }

  @Test(.enabled(if: DebugProgram.isInstalled("dwz")))
  func alternateFile() throws {
    let program = try DebugProgram(SamplePrograms.c, options: ["-O2"])
    let other = program.path + ".other"
    try FileManager.default.copyItem(atPath: program.path, toPath: other)
    let common = program.path + ".common"
    _ = try DebugProgram.run(["dwz", "-m", common, program.path, other])
    let debug = try DebugInformation(
      image: program.bytes, alternate: DebugProgram.bytes(of: common), name: "program")
    let symbols = try ELFSymbols(images: [try ELFImage(program.bytes)])
    try compare(
      debug, program.path, GDBComparison.addresses(of: symbols, SamplePrograms.functions))
    let lone = try DebugInformation(image: program.bytes, name: "program")
    #expect(lone.diagnostics.count == 1)
    try program.remove()
  }

  @Test func missingSplitFileIsReported() throws {
    let program = try DebugProgram(SamplePrograms.c, options: ["-O2", "-gsplit-dwarf"])
    let symbols = try ELFSymbols(images: [try ELFImage(program.bytes)])
    let main = try #require(symbols.symbol(named: "main"))
    for file in try FileManager.default.contentsOfDirectory(
      at: program.directory.appendingPathComponent("build"), includingPropertiesForKeys: nil)
    where file.pathExtension == "dwo" {
      try FileManager.default.removeItem(at: file)
    }
    let debug = try DebugInformation(image: program.bytes, name: "program")
    #expect(try debug.frames(at: main.address) == [])
    // The lines are in the program itself.
    #expect(try debug.location(at: main.address)?.file == "../src/program.c")
    #expect(debug.diagnostics.count == 1)
    #expect(debug.diagnostics.first?.contains(".dwo") == true)
    try program.remove()
  }
}

/// The C library's separate debug file, if it's installed.
enum LibC {
  static let path = "/usr/lib/x86_64-linux-gnu/libc.so.6"

  static var debugFile: String? {
    do {
      let notes = try DebugProgram.run(["readelf", "-n", path])
      guard let line = notes.split(separator: "\n").first(where: { $0.contains("Build ID:") }),
        let id = line.split(separator: " ").last
      else { return nil }
      let file = "/usr/lib/debug/.build-id/\(id.prefix(2))/\(id.dropFirst(2)).debug"
      return FileManager.default.fileExists(atPath: file) ? file : nil
    } catch {
      return nil
    }
  }
}
