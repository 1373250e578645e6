import Bytes
import Foundation
import HostSystem
import ObjectFiles
import TestWorlds
import Testing

/// A small program, stripped, with its debug file apart.
struct DebugSubject {
  let scratch: ScratchDirectory
  /// The stripped program, with a `.gnu_debuglink` to program.debug.
  let program: String
  /// The debug file, which isn't in any place where it would be found.
  let debug: String
  let id: BuildID

  init(buildID: Bool = true) throws {
    scratch = try ScratchDirectory()
    try scratch.write("int main(void) { return 0; }", to: "a.c")
    try Tool.run(
      "gcc", "-g", buildID ? "-Wl,--build-id=sha1" : "-Wl,--build-id=none", "a.c", "-o", "full",
      in: scratch)
    try Tool.run("mkdir", "store", "bin", in: scratch)
    try Tool.run("objcopy", "--only-keep-debug", "full", "store/program.debug", in: scratch)
    try Tool.run(
      "objcopy", "--strip-all", "--add-gnu-debuglink=store/program.debug", "full", "bin/program",
      in: scratch)
    program = scratch.file("bin/program")
    debug = scratch.file("store/program.debug")
    let image = try ELFImage(try MappedFile.open(scratch.file("full")).bytes)
    id = try #require(buildID ? image.buildID : BuildID([0, 0]))
  }

  /// Copies `file` to where `id` leads below `directory`.
  @discardableResult
  func place(
    _ file: String, under directory: String, id: BuildID? = nil, suffix: String = ".debug"
  ) throws -> String {
    let digits = "\(id ?? self.id)"
    let folder = scratch.file("\(directory)/.build-id/\(digits.prefix(2))")
    try Tool.run("mkdir", "-p", folder, in: scratch)
    let path = "\(folder)/\(digits.dropFirst(2))\(suffix)"
    try Tool.run("cp", file, path, in: scratch)
    return path
  }
}
