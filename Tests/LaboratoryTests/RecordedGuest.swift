import Foundation
import TestWorlds
import Testing
import Varve

/// A processor that guests are recorded on, and what there is for it.
struct RecordedProcessor: Sendable {
  let program: String
  /// The laboratory's subject with a kernel and an initramfs.
  let subject: String
  let options: [String]
  let console: String
  let debugger: String
  /// Where some of the kernel lies.
  let kernel: PhysicalAddress

  static let x86 = RecordedProcessor(
    program: "qemu-system-x86_64", subject: "guest", options: [],
    console: "console=ttyS0 earlyprintk=serial", debugger: "gdb",
    kernel: PhysicalAddress(0x200_0000))
  /// Linux is loaded 2 MiB above the start of RAM (Documentation/arm64/booting.rst).
  static let arm = RecordedProcessor(
    program: "qemu-system-aarch64", subject: "guest-arm64", options: ["-cpu", "cortex-a53"],
    console: "console=ttyAMA0", debugger: "gdb-multiarch", kernel: PhysicalAddress(0x4180_0000))

  /// What the guest needs; nil where the laboratory hasn't got it.
  var files: String? { LaboratoryManifest.subjects.first { $0.name == subject }?.directory }
  var isPossible: Bool { files != nil && Tool.exists(program) && Tool.exists(debugger) }
}

/// A guest that is recorded by `varve record` from power-on until it has said something: one of the
/// laboratory's, until its kernel has said who it is, or firmware alone.
final class RecordedGuest {
  let scratch: ScratchDirectory
  let path: String
  let processor: RecordedProcessor
  /// A raw image that the guest may have as its disk.
  let image: String
  /// Where some of what runs lies.
  let memory: PhysicalAddress
  private let command: [String]
  private let lastLine: String

  static var isPossible: Bool { RecordedProcessor.x86.isPossible }

  convenience init(machine: String, disk: Bool) throws {
    try self.init(
      .x86, ["-M", machine],
      disk ? ["-drive", "file={directory}/disk.img,format=raw,if=virtio"] : [])
  }

  /// Firmware that has no kernel to boot, with a disk that holds `image`.
  init(firmware machine: [String], image bytes: [UInt8], until lastLine: String) throws {
    processor = .x86
    memory = PhysicalAddress(0x10000)
    self.lastLine = lastLine
    scratch = try ScratchDirectory()
    path = scratch.file("recording")
    image = try scratch.write(bytes, to: "disk.img")
    let options = Self.options(machine, scratch)
    command =
      [Command.path, "record", "-q", "-o", path, "--", processor.program, "-m", "64"]
      + ["-nodefaults", "-display", "none", "-serial", "stdio"] + options
  }

  /// `{directory}` stands for the guest's directory, and so `{directory}/disk.img` for the raw image.
  private static func options(_ words: [String], _ scratch: ScratchDirectory) -> [String] {
    words.map { $0.replacing("{directory}", with: scratch.path) }
  }

  /// A Linux of the laboratory's.
  init(
    _ processor: RecordedProcessor, _ machine: [String], _ devices: [String] = [],
    until lastLine: String = "Linux version"
  ) throws {
    self.processor = processor
    memory = processor.kernel
    self.lastLine = lastLine
    scratch = try ScratchDirectory()
    path = scratch.file("recording")
    image = try scratch.write((0..<65536).map { UInt8(truncatingIfNeeded: $0) }, to: "disk.img")
    let files = try #require(processor.files)
    let options = Self.options(machine + devices, scratch)
    command =
      [Command.path, "record", "-q", "-o", path, "--", processor.program] + processor.options
      + [
        "-m", "128", "-nodefaults", "-display", "none", "-serial", "stdio", "-kernel",
        files + "/vmlinuz", "-initrd", files + "/initramfs.gz", "-append",
        processor.console + " panic=-1", "-no-reboot", "-snapshot",
      ] + options
  }

  /// Records until the guest has said what is waited for. Gives the recorder, which runs.
  func begin() throws -> RunningTool {
    let recorder = try RunningTool(command, in: scratch)
    while !(try recorder.readLine().contains(lastLine)) {}
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
