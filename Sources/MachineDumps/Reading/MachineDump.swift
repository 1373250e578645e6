public import Bytes
public import HostSystem
public import Targets

/// What kind of file holds a machine's memory.
public enum MachineDumpFormat: Hashable, Sendable, CustomStringConvertible {
  /// ELF as QEMU's `dump-guest-memory`, `/proc/vmcore` and `makedumpfile -E` give it.
  case elf
  /// kdump-compressed: by makedumpfile, or by QEMU.
  case kdump
  /// kdump-compressed or ELF in the records that `makedumpfile -F` writes to a pipe.
  case flattened
  /// Another one that libkdumpfile knows, as it calls it: LKCD, s390, SADUMP, …
  case other(String)
  /// Memory and nothing else.
  case raw

  public var description: String {
    switch self {
    case .elf: "ELF"
    case .kdump: "kdump-compressed"
    case .flattened: "flattened"
    case .other(let name): name
    case .raw: "raw memory"
    }
  }
}

/// A file with a machine's memory, opened.
public struct MachineDump: Sendable {
  public let format: MachineDumpFormat
  public let machine: Machine

  /// What `bytes`, the beginning of a file or all of it, look like; nil if they look like none of the
  /// formats that are told by how they begin. (libkdumpfile may know more.)
  public static func detect(_ bytes: ByteView) -> MachineDumpFormat? {
    let start = bytes.clampedSubview(at: 0, count: 16).copy()
    if start.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return .elf }
    if start.starts(with: "KDUMP   ".utf8) || start.starts(with: "DISKDUMP".utf8) { return .kdump }
    if start.starts(with: "makedumpfile".utf8) { return .flattened }
    return nil
  }
}
