public import Bytes
public import HostSystem
public import Targets

/// What kind of file holds a machine's memory.
public enum MachineDumpFormat: Hashable, Sendable, CustomStringConvertible {
  /// ELF as QEMU's `dump-guest-memory`, `/proc/vmcore` and `makedumpfile -E` give it.
  case elf
  /// kdump-compressed, by makedumpfile.
  case kdump
  /// kdump-compressed or ELF in records for a pipe: by `makedumpfile -F`, or kdump-compressed by
  /// QEMU, which knows no other form before 9.0.
  case flattened
  /// Memory and nothing else.
  case raw

  public var description: String {
    switch self {
    case .elf: "ELF"
    case .kdump: "kdump-compressed"
    case .flattened: "flattened"
    case .raw: "raw memory"
    }
  }
}

/// A file with a machine's memory, opened.
public struct MachineDump: Sendable {
  public let format: MachineDumpFormat
  public let machine: Machine
  /// The files that the caller named and didn't open: those of raw memory.
  public private(set) var rawFiles: [MappedFile] = []

  /// What `bytes`, the beginning of a file or all of it, look like; nil if they look like none of the
  /// formats that are told by how they begin.
  public static func detect(_ bytes: ByteView) -> MachineDumpFormat? {
    let start = bytes.clampedSubview(at: 0, count: 16).copy()
    if start.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return .elf }
    if start.starts(with: "KDUMP   ".utf8) { return .kdump }
    if start.starts(with: "makedumpfile".utf8) { return .flattened }
    return nil
  }

  /// Reads `file`, which may be in any format but raw; `path` is what to call it in messages. ELF
  /// bytes stay where they are, a flattened dump is unpacked to a temporary file first, and of the
  /// other formats pages are read when they are wanted.
  ///
  /// A dump that is damaged or cut short gives the machine as far as it can be read, and
  /// `machine.diagnostics` tell. Throws `.unknownFormat`, `.notAMachine` for the core of a process,
  /// and what makes the whole file useless.
  public init(
    _ file: MappedFile, path: String? = nil, progress: ProgressHandler = .silent
  ) throws(MachineDumpError) {
    let path = path ?? file.path
    guard Self.detect(file.bytes) == .flattened else {
      (format, machine) = try Self.open(file, path)
      return
    }
    let flattened = try FlattenedDump(file, progress: progress)
    (_, machine) = try Self.open(
      flattened.file, path, evidence: ["the file is a flattened dump"],
      diagnostics: flattened.damage.map { [$0] } ?? [])
    format = .flattened
  }

  /// Opens and reads the file at `path`.
  public init(
    opening path: String, progress: ProgressHandler = .silent
  ) throws(MachineDumpError) {
    let file: MappedFile
    do throws(HostError) {
      file = try MappedFile.open(path)
    } catch {
      throw .host(error)
    }
    try self.init(file, progress: progress)
  }

  /// A machine that has `memory` and of which nothing else is known. Throws `.host`, and
  /// `.overlappingRawMemory` if two parts claim the same address.
  public init(raw memory: [RawMemory]) throws(MachineDumpError) {
    format = .raw
    let dump = try RawMachineDump(memory)
    machine = dump.machine()
    rawFiles = dump.files
  }

  private static func open(
    _ file: MappedFile, _ path: String, evidence: [String] = [], diagnostics: [String] = []
  ) throws(MachineDumpError) -> (MachineDumpFormat, Machine) {
    switch detect(file.bytes) {
    case .elf:
      var dump = try ELFMachineDump(file.bytes, path: path)
      return (.elf, try dump.machine(evidence: evidence, diagnostics: diagnostics))
    case .kdump:
      let dump = KdumpMachineDump(try KdumpContainer(file.bytes, path: path), path: path)
      return (.kdump, try dump.machine(evidence: evidence, diagnostics: diagnostics))
    case .flattened:
      throw .container(path: path, reason: "a flattened dump within a flattened dump")
    case .raw, nil:
      throw .unknownFormat(path: path)
    }
  }
}
