import Foundation
import TestWorlds
import Testing
import Varve

@Suite("Dumps are only read", .enabled(if: Laboratory.isThere))
struct InputsUntouchedTests {
  /// The commands themselves, where `make test` has built them: they take an unoptimised build
  /// minutes on large dumps.
  private static let commands = [
    "info --explain", "bt -a --coroutines --locals", "coroutines --waits --json",
  ]

  /// The laboratory noted the digests when it made the dumps.
  @Test(arguments: Laboratory.compared.filter { $0.truth["sha256"] != nil })
  func digestIsTheSameAfterEveryCommand(_ subject: Laboratory.Subject) async throws {
    let core = try #require(subject.core)
    let digest = try #require(try subject.answer("sha256")).prefix(64)
    _ = try await Findings.all.differences(in: subject)
    let scratch = try ScratchDirectory()
    if let binary = ProcessInfo.processInfo.environment["VARVE_BINARY"] {
      for command in Self.commands {
        try Tool.run(
          "sh", "-c", "'\(binary)' \(command) '\(core)' > /dev/null 2>&1", in: scratch)
      }
    }
    if subject.kind == "program-core" {
      let dump = try CoreDump(opening: core, places: subject.places)
      #expect(throws: VarveError.self) { _ = try dump.writeCore(to: core, replacing: true) }
    }
    #expect(try Tool.run("sha256sum", core, in: scratch).prefix(64) == digest)
  }

  /// What the kernel knows of this process's use of a dump while it is open, in a place where
  /// nothing may be written.
  @Test func nothingIsOpenForWriting() throws {
    let subject = try #require(Laboratory.compared.first { $0.name == "program-leaf" })
    let scratch = try ScratchDirectory()
    let directory = URL(filePath: scratch.path).appending(path: "read-only")
    let copy = directory.appending(path: "core").path
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    try FileManager.default.copyItem(atPath: try #require(subject.core), toPath: copy)
    try Self.setMode(0o444, of: copy)
    try Self.setMode(0o555, of: directory.path)
    defer {
      // So that the scratch directory can be removed.
      do { try Self.setMode(0o755, of: directory.path) } catch { Issue.record(error) }
    }

    let dump = try CoreDump(opening: copy, places: subject.places)
    let report = try dump.backtraces(.all(coroutines: false), options: StackOptions())
    #expect(report.threads.count == 1)
    // Shared, so that it is the file's own pages; without "w", so that they can't be changed.
    let process = ProcessInfo.processInfo.processIdentifier
    let maps = try Tool.run("cat", "/proc/\(process)/maps", in: scratch)
    let mappings = maps.split(separator: "\n").filter { $0.hasSuffix(copy) }
    #expect(!mappings.isEmpty, "none of \(maps.count) bytes is about \(copy)")
    for mapping in mappings {
      let permissions = mapping.split(separator: " ")[1]
      #expect(!permissions.contains("w"), "\(mapping)")
    }
    for descriptor in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      guard let path = Self.target(ofDescriptor: descriptor), path.hasPrefix(directory.path) else {
        continue
      }
      let flags = try #require(
        try Self.lines(of: "/proc/self/fdinfo/\(descriptor)").first { $0.hasPrefix("flags:") })
      #expect(flags.last == "0", "\(path) is open with \(flags)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["core"])
    withExtendedLifetime(dump) {}
  }

  private static func setMode(_ mode: Int, of path: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  private static func lines(of path: String) throws -> [Substring] {
    try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self)
      .split(separator: "\n")
  }

  /// Nil if the descriptor has been closed since the directory was listed.
  private static func target(ofDescriptor descriptor: String) -> String? {
    do {
      return try FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/fd/\(descriptor)")
    } catch {
      return nil
    }
  }
}
