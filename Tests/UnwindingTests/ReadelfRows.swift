import Foundation

/// One FDE as `readelf --debug-dump=frames-interp` prints it.
struct ReadelfFDE {
  let start: UInt64
  let end: UInt64
  /// Each row: its first address, its CFA, and the registers' rules by column.
  var rows: [(address: UInt64, cfa: Substring, rules: [(name: Substring, rule: Substring)])] = []
}

/// Parses readelf's tables. Lines:
///
///     00000018 0000000000000024 0000001c FDE cie=00000000 pc=0000000000026000..0000000000026360
///        LOC           CFA      ra
///     0000000000026000 rsp+16   c-8
func readelfFDEs(_ path: String, section: String, every stride: Int = 1) throws -> [ReadelfFDE] {
  let text = String(
    decoding: try output(
      of: "/usr/bin/readelf", ["-W", "--debug-dump=frames-interp,no-follow-links", path]),
    as: UTF8.self)
  var fdes: [ReadelfFDE] = []
  var columns: [Substring] = []
  var isInSection = false
  var seen = 0
  var isWanted = false
  for line in text.split(separator: "\n") {
    if line.hasPrefix("Contents of the ") {
      isInSection = line.hasPrefix("Contents of the \(section) ")
      isWanted = false
    }
    guard isInSection else { continue }
    if line.contains(" FDE ") || line.contains(" CIE ") || line.contains("ZERO terminator") {
      isWanted = false
      guard let range = line.split(separator: " ").first(where: { $0.hasPrefix("pc=") }) else {
        continue
      }
      seen += 1
      isWanted = seen % stride == 0
      let bounds = range.dropFirst(3).split(separator: ".")
      if isWanted, bounds.count == 2, let start = UInt64(bounds[0], radix: 16),
        let end = UInt64(bounds[1], radix: 16)
      {
        fdes.append(ReadelfFDE(start: start, end: end))
      }
    } else if isWanted {
      // A register as a rule comes with its name: "r8 (r8)".
      let words = line.split(separator: " ").filter { !$0.hasPrefix("(") }
      if words.first == "LOC" {
        columns = Array(words.dropFirst(2))
      } else if words.count == columns.count + 2, let address = UInt64(words[0], radix: 16) {
        fdes[fdes.count - 1].rows.append(
          (address, words[1], Array(zip(columns, words.dropFirst(2)))))
      }
    }
  }
  return fdes
}
