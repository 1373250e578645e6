public import Bytes

/// What `varve memory` prints: bytes, and which of them can't be had.
public struct MemoryContentsReport: Codable, Hashable, Sendable {
  /// A stretch of bytes that have the same fate.
  public struct Run: Codable, Hashable, Sendable {
    /// The first byte's address, in hexadecimal.
    public var address: String
    public var count: UInt64
    /// Two digits for each byte; nil if they can't be had.
    public var bytes: String?
    /// Why not.
    public var missing: String?
  }

  public var schema = "varve.memory/1"
  public var file: String
  /// `physical`, `virtual` or `host`.
  public var space: String
  public var runs: [Run]
  public var warnings: [String]

  public init(file: String, space: String, warnings: [String]) {
    self.file = file
    self.space = space
    runs = []
    self.warnings = warnings
  }

  public mutating func add(_ bytes: ByteView, at address: UInt64) {
    runs.append(
      Run(
        address: hex(address), count: UInt64(bytes.count),
        bytes: bytes.copy().map(Self.digits).joined(), missing: nil))
  }

  public mutating func add(missing count: UInt64, at address: UInt64, because reason: String) {
    runs.append(Run(address: hex(address), count: count, bytes: nil, missing: reason))
  }

  private static func digits(_ byte: UInt8) -> String {
    paddedHex(byte, digits: 2)
  }
}

extension MemoryContentsReport {
  /// Sixteen bytes a line, as `hexdump -C` prints them, with `--` for each byte that isn't there.
  public func text(_ style: TextStyle) -> String {
    var lines: [String] = []
    for run in runs {
      guard let start = UInt64(run.address.dropFirst(2), radix: 16) else { continue }
      guard let bytes = run.bytes else {
        lines.append(
          style.paint(Self.padded(start), .address) + "  "
            + style.paint("\(run.count) bytes missing: \(run.missing ?? "")", .warning))
        continue
      }
      lines += Self.lines(Array(bytes.utf8), from: start, style)
    }
    return lines.joined(separator: "\n")
  }

  private static func padded(_ address: UInt64) -> String {
    paddedHex(address, digits: 16)
  }

  /// Lines begin at multiples of 16, so that the columns mean the same in each.
  private static func lines(_ digits: [UInt8], from start: UInt64, _ style: TextStyle) -> [String] {
    var lines: [String] = []
    var next = 0
    let total = digits.count / 2
    while next < total {
      let address = start &+ UInt64(next)
      let column = Int(address % 16)
      let count = min(16 - column, total - next)
      var hexadecimal = String(repeating: "   ", count: column)
      var characters = String(repeating: " ", count: column)
      for index in next..<next + count {
        let pair = String(decoding: digits[2 * index..<2 * index + 2], as: UTF8.self)
        hexadecimal += pair + " "
        let byte = UInt8(pair, radix: 16) ?? 0
        characters += (0x20..<0x7f).contains(byte) ? String(UnicodeScalar(byte)) : "."
      }
      lines.append(
        style.paint(padded(address), .address) + "  " + hexadecimal.padding(to: 48) + " |"
          + characters + "|")
      next += count
    }
    return lines
  }
}
