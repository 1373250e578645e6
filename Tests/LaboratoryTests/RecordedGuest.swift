import Foundation
import TestWorlds
import Testing
import Varve

/// The laboratory's guest, recorded by `varve record` from power-on into its kernel's first lines.
final class RecordedGuest {
  let scratch: ScratchDirectory
  let path: String
  /// A raw image that the guest has as its disk, if it has one.
  let image: String
  private let command: [String]

  /// What the guest needs; nil where the laboratory or QEMU isn't.
  static let files = LaboratoryManifest.subjects.first { $0.name == "guest" }?.directory
  static var isPossible: Bool { files != nil && Tool.exists("qemu-system-x86_64") }

  init(machine: String, disk: Bool) throws {
    scratch = try ScratchDirectory()
    path = scratch.file("recording")
    image = try scratch.write((0..<65536).map { UInt8(truncatingIfNeeded: $0) }, to: "disk.img")
    let files = try #require(Self.files)
    command =
      [
        Command.path, "record", "-q", "-o", path, "--", "qemu-system-x86_64", "-M", machine, "-m",
        "128", "-nodefaults", "-display", "none", "-serial", "stdio", "-kernel", files + "/vmlinuz",
        "-initrd", files + "/initramfs.gz", "-append", "console=ttyS0 earlyprintk=serial panic=-1",
        "-no-reboot", "-snapshot",
      ] + (disk ? ["-drive", "file=\(image),format=raw,if=virtio"] : [])
  }

  /// Records until the kernel has said who it is. Gives the recorder, which runs.
  func begin() throws -> RunningTool {
    let recorder = try RunningTool(command, in: scratch)
    while !(try recorder.readLine().contains("Linux version")) {}
    return recorder
  }

  /// Records, and asks the recorder to end.
  func record() throws -> Recording {
    let ending = try begin().end(by: SIGTERM)
    #expect(ending.signal == nil && ending.status == 0)
    return try Recording(path)
  }

  func varve(_ arguments: String...) throws -> (status: Int, text: String) {
    try Command.run(arguments, in: scratch)
  }
}
