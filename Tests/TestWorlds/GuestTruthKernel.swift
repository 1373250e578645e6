/// A line of `/proc/kallsyms`.
public struct GuestTruthSymbol: Sendable, Equatable {
  public let address: UInt64
  /// As nm(1) names it: `T`, `t`, `D`, …
  public let kind: Character
  public let name: String
  /// The module's name; nil for the kernel's own.
  public let module: String?

  init(line: Substring) throws {
    let words = line.split { $0 == " " || $0 == "\t" }
    guard words.count >= 3, let address = UInt64(words[0], radix: 16), let kind = words[1].first
    else { throw ToolFailure(description: "no symbol: \(line)") }
    self.address = address
    self.kind = kind
    name = String(words[2])
    module = words.count > 3 ? String(words[3].dropFirst().dropLast()) : nil
  }
}

/// A line of `/proc/modules`.
public struct GuestTruthModule: Sendable, Equatable {
  public let name: String
  /// In bytes.
  public let size: UInt64
  public let references: Int
  public let usedBy: [String]
  /// `Live`, `Loading` or `Unloading`.
  public let state: String
  public let address: UInt64
  /// The letters in parentheses; empty if there are none.
  public let taints: String

  init(line: Substring) throws {
    // name size references used-by, state address (taints)
    let words = line.split(separator: " ")
    guard words.count >= 6, let size = UInt64(words[1]), let references = Int(words[2]),
      let address = UInt64(words[5].dropFirst(2), radix: 16)
    else { throw ToolFailure(description: "no module: \(line)") }
    name = String(words[0])
    self.size = size
    self.references = references
    usedBy = words[3] == "-" ? [] : words[3].split(separator: ",").map(String.init)
    state = String(words[4])
    self.address = address
    taints = words.count > 6 ? String(words[6].dropFirst().dropLast()) : ""
  }
}

/// A record of `/dev/kmsg`: Documentation/ABI/testing/dev-kmsg of Linux.
public struct GuestTruthRecord: Sendable, Equatable {
  /// 0 (emergency) to 7 (debugging).
  public let level: Int
  /// 0: the kernel.
  public let facility: Int
  public let sequence: UInt64
  /// Since the boot.
  public let microseconds: UInt64
  /// As escaped by the kernel: what isn't printable, and backslashes, are `\xXX`.
  public let text: String
  /// Such as `SUBSYSTEM` and `DEVICE`.
  public let properties: [String: String]

  /// `level,sequence,microseconds,flags[,…];text`, then lines ` KEY=value`.
  static func all(in text: String) throws -> [GuestTruthRecord] {
    var records: [(head: Substring, properties: [String: String])] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix(" "), !records.isEmpty {
        let pair = line.dropFirst().split(separator: "=", maxSplits: 1)
        if pair.count == 2 {
          records[records.count - 1].properties[String(pair[0])] = String(pair[1])
        }
      } else {
        records.append((line, [:]))
      }
    }
    return try records.map { try GuestTruthRecord(head: $0.head, properties: $0.properties) }
  }

  private init(head: Substring, properties: [String: String]) throws {
    guard let end = head.firstIndex(of: ";") else {
      throw ToolFailure(description: "no record: \(head)")
    }
    let words = head[..<end].split(separator: ",")
    guard words.count >= 4, let priority = Int(words[0]), let sequence = UInt64(words[1]),
      let time = UInt64(words[2])
    else { throw ToolFailure(description: "no record: \(head)") }
    level = priority & 7
    facility = priority >> 3
    self.sequence = sequence
    microseconds = time
    text = String(head[head.index(after: end)...])
    self.properties = properties
  }
}
