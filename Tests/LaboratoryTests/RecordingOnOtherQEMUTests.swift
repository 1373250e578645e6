import Foundation
import TestWorlds
import Testing
import Varve

/// Recordings by releases of QEMU's that aren't the host's: the laboratory's, run by the loader and with the
/// libraries that came with them.
@Suite("Recordings by other QEMUs", .enabled(if: !OtherQEMU.all.isEmpty), .serialized)
struct RecordingOnOtherQEMUTests {
  @Test(arguments: OtherQEMU.all)
  func stateIsTheSameByEveryWay(_ qemu: OtherQEMU) async throws {
    let scratch = try ScratchDirectory()
    let program = try qemu.launcher(in: scratch)
    let x86 = RecordedProcessor.x86
    let processor = RecordedProcessor(
      program: program, subject: x86.subject, options: [], console: x86.console,
      debugger: x86.debugger, kernel: x86.kernel)
    // Far enough for the kernel's timers to be at work.
    let guest = try RecordedGuest(
      processor, ["-M", "pc"], until: "LAB: init has started everything")
    try await guest.expectSameStateByEveryWay()
    let recording = try Recording(guest.path)
    #expect(recording.description.engine.version.hasPrefix(qemu.release))
  }

  /// Nothing is made where replays are known not to work.
  @Test(.enabled(if: OtherQEMU.newest != nil))
  func newestIsRefused() throws {
    let scratch = try ScratchDirectory()
    let program = try #require(OtherQEMU.newest).launcher(in: scratch)
    let refused = try Command.run(
      ["record", "-o", scratch.file("recording"), "--", program], in: scratch)
    #expect(refused.status == 1)
    #expect(refused.text.contains("version 11."))
    #expect(refused.text.contains("stand still"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["qemu-system-x86_64"])
  }
}

/// One of the laboratory's QEMUs in a root of its own.
struct OtherQEMU: Sendable, CustomTestStringConvertible {
  let subject: String
  /// As its version begins.
  let release: String
  let root: String

  var testDescription: String { subject }

  /// Those that there are, and whose recordings are replayed.
  static let all = [named("qemu-stripped-5.2", "5.2"), named("qemu-stripped-10", "10.0")]
    .compactMap { $0 }
  static let newest = named("qemu-stripped-new", "11.")

  private static func named(_ name: String, _ release: String) -> OtherQEMU? {
    let subject = LaboratoryManifest.subjects.first { $0.name == name }
    return subject?.sysroot.map { OtherQEMU(subject: name, release: release, root: $0) }
  }

  /// A program that starts it outside of its root.
  func launcher(in scratch: ScratchDirectory) throws -> String {
    let loaders = [
      "lib/x86_64-linux-gnu/ld-2.31.so", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    ]
    let loader = try #require(
      loaders.map { root + "/" + $0 }.first { FileManager.default.fileExists(atPath: $0) })
    let libraries = ["lib", "usr/lib"].map { "\(root)/\($0)/x86_64-linux-gnu" }
    let script = """
      #!/bin/sh
      export QEMU_MODULE_DIR='\(root)/usr/lib/x86_64-linux-gnu/qemu'
      exec '\(loader)' --library-path '\(libraries.joined(separator: ":"))' \\
        '\(root)/usr/bin/qemu-system-x86_64' -L '\(root)/usr/share/qemu' \\
        -L '\(root)/usr/share/seabios' "$@"

      """
    let path = try scratch.write(script, to: "qemu-system-x86_64")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }
}
