import Bytes
import Foundation
import TestWorlds
import Unwinding

/// Runs a program and gives what it wrote to standard output.
func output(of program: String, _ arguments: [String]) throws -> Data {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = FileHandle.nullDevice
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return data
}

/// The file's bytes.
func file(_ path: String) throws -> ByteView {
  ByteView(copying: try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// The file's `.eh_frame`, with or without the linker's table.
func ehFrameTable(of path: String, usingHeader: Bool = true) throws -> CFITable? {
  let sections = try ELFSections(try file(path))
  guard let frame = sections[".eh_frame"] else { return nil }
  var header: EHFrameHeader?
  if usingHeader, let section = sections[".eh_frame_hdr"] {
    header = try EHFrameHeader(section.bytes, address: section.address)
  }
  return CFITable(
    CFISection(.ehFrame, frame.bytes, address: frame.address), header: header)
}

/// Compiles `source` (C, or assembly if `language` says so) in a new directory with gcc; gives the
/// directory and the file made in it. The directory is the caller's to remove.
func compile(
  _ source: String, language: String = "c", _ options: [String]
) throws -> (directory: URL, product: String) {
  let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("unwinding-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  let input = directory.appendingPathComponent("input").path
  let product = directory.appendingPathComponent("product").path
  try Data(source.utf8).write(to: URL(fileURLWithPath: input))
  _ = try output(of: "/usr/bin/gcc", options + ["-x", language, input, "-o", product])
  return (directory, product)
}
