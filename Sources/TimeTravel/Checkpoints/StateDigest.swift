internal import Bytes

/// A short stand-in for the registers at one moment, which tells a replay that went another way. Made to
/// notice accidents, not attacks.
struct StateDigest: Hashable, Sendable {
  let value: UInt64

  /// FNV-1a, 64 bits (the constants are those of draft-eastlake-fnv, section 5).
  init(_ registers: EngineRegisters) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in registers.definedBytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    value = hash
  }
}

extension StateDigest: Codable {
  /// Hexadecimal, since JSON's numbers lose bits in many readers.
  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard text.utf8.count == 16, text.allSatisfy(\.isHexDigit),
      let value = UInt64(text, radix: 16)
    else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\"\(text)\" is no digest of 16 hexadecimal digits")
    }
    self.value = value
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(paddedHex(value, digits: 16))
  }
}
