import Bytes

/// One line of `/proc/PID/maps`.
///
///     start-end perms offset major:minor inode   path
///     7f5e67e00000-7f5fa7e00000 rw-s 00000000 00:01 1024   /memfd:ram (deleted)
///
/// Source: proc_pid_maps(5).
struct ProcessMapLine {
  let mapping: Mapping
  /// What is written there is seen by others who mapped the same: MAP_SHARED.
  let isShared: Bool
  /// Neither a file's nor a device's.
  let isAnonymous: Bool

  /// Nil for a line of another form.
  init?(_ line: Substring) {
    let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard fields.count >= 5 else { return nil }
    let ends = fields[0].split(separator: "-")
    guard ends.count == 2, let start = UInt64(ends[0], radix: 16),
      let end = UInt64(ends[1], radix: 16), start < end, fields[1].utf8.count == 4,
      let offset = UInt64(fields[2], radix: 16), let inode = UInt64(fields[4])
    else { return nil }
    var protection: Mapping.Protection = []
    for letter in fields[1] {
      switch letter {
      case "r": protection.insert(.read)
      case "w": protection.insert(.write)
      case "x": protection.insert(.execute)
      default: break
      }
    }
    let path = fields.count == 6 ? fields[5].drop { $0 == " " } : ""
    isShared = fields[1].hasSuffix("s")
    isAnonymous = inode == 0 && (path.isEmpty || path.hasPrefix("["))
    mapping = Mapping(
      start: VirtualAddress(start), count: end - start, protection: protection,
      path: path.isEmpty ? nil : Self.unescaped(path),
      fileOffset: isAnonymous ? nil : FileOffset(offset))
  }

  /// A path with a newline in it is shown with `\012` instead.
  private static func unescaped(_ path: Substring) -> String {
    guard path.contains("\\") else { return String(path) }
    return path.split(separator: "\\012", omittingEmptySubsequences: false).joined(separator: "\n")
  }

  /// All lines of `text`.
  static func list(_ text: String) -> [ProcessMapLine] {
    text.split(separator: "\n").compactMap { ProcessMapLine($0) }
  }
}
