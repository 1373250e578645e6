internal import Bytes

/// What a linker put in a file to name this very build: the contents of its `NT_GNU_BUILD_ID` note.
public struct BuildID: Hashable, Sendable, CustomStringConvertible {
  /// From 1 to 64 bytes; 20 (SHA-1) as a rule, 16 (MD5 or UUID) and 8 (xxHash) also happen.
  public let bytes: [UInt8]

  /// Nil for lengths that no linker makes.
  public init?(_ bytes: [UInt8]) {
    guard (1...64).contains(bytes.count) else { return nil }
    self.bytes = bytes
  }

  /// From hexadecimal digits, two a byte, of either case; nil for anything else.
  public init?(hex text: some StringProtocol) {
    let digits = text.utf8.map { UInt8($0) }
    guard digits.count.isMultiple(of: 2), text.allSatisfy(\.isHexDigit),
      text.utf8.count == text.count
    else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(byte)
    }
    self.init(bytes)
  }

  /// Lower-case hexadecimal digits.
  public var description: String {
    bytes.map { paddedHex($0, digits: 2) }.joined()
  }
}
