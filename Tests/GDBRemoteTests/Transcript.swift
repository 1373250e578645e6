import Foundation
import GDBRemote
import Testing

/// What a client and a server said to each other, as text: a line for each packet, `>` from the client
/// and `<` from the server, with bytes that aren't printable as `\xNN`.
struct Transcript: Equatable {
  struct Line: Equatable {
    var isFromClient: Bool
    /// The bytes as they were on the wire.
    var bytes: [UInt8]
  }

  var lines: [Line] = []
  var failures: [String] = []

  mutating func received(_ bytes: [UInt8]) { append(bytes, isFromClient: true) }
  mutating func sent(_ bytes: [UInt8]) { append(bytes, isFromClient: false) }

  private mutating func append(_ bytes: [UInt8], isFromClient: Bool) {
    guard !bytes.isEmpty else { return }
    if let last = lines.indices.last, lines[last].isFromClient == isFromClient {
      lines[last].bytes += bytes
    } else {
      lines.append(Line(isFromClient: isFromClient, bytes: bytes))
    }
  }

  var text: String {
    lines.map { line in
      let text = line.bytes.map { byte in
        (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "\\")
          ? String(UnicodeScalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
      return (line.isFromClient ? "> " : "< ") + text + "\n"
    }.joined()
  }

  init() {}

  /// Reads `text` as it is written; lines that begin with `#` are comments.
  init(text: String) throws {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      var bytes: [UInt8] = []
      var rest = Array(line.utf8.dropFirst(2))[...]
      while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "\\") else {
          bytes.append(byte)
          continue
        }
        let digits = String(decoding: rest.prefix(3).dropFirst(), as: UTF8.self)
        bytes.append(try #require(UInt8(digits, radix: 16)))
        rest = rest.dropFirst(3)
      }
      lines.append(Line(isFromClient: line.hasPrefix(">"), bytes: bytes))
    }
  }

  /// The packets that one side sent.
  func packets(fromClient: Bool) -> [String] {
    var decoder = PacketDecoder(from: fromClient ? .client : .server, limit: 1 << 20)
    return lines.filter { $0.isFromClient == fromClient }
      .flatMap { decoder.receive($0.bytes) }
      .compactMap { item in
        if case .packet(let bytes) = item { String(decoding: bytes, as: UTF8.self) } else { nil }
      }
  }

  /// Where transcripts are kept.
  static func stored(_ name: String) throws -> Transcript {
    let url = try #require(
      Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "Transcripts"))
    return try Transcript(text: String(contentsOf: url, encoding: .utf8))
  }

  /// Writes the transcript into the directory that VARVE_RECORD_TRANSCRIPTS names, if it names one.
  func keep(_ name: String, of client: String) throws {
    let variables = ProcessInfo.processInfo.environment
    guard let directory = variables["VARVE_RECORD_TRANSCRIPTS"] else { return }
    try "# \(client)\n\(text)".write(
      toFile: "\(directory)/\(name).txt", atomically: true, encoding: .utf8)
  }
}
