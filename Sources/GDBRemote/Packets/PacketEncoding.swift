/// The packet with these contents, as it is sent: escaped, and with its checksum. Nothing is
/// compressed.
public func encodedPacket(_ contents: [UInt8]) -> [UInt8] {
  var bytes: [UInt8] = [UInt8(ascii: "$")]
  bytes.reserveCapacity(contents.count + 4)
  var sum: UInt8 = 0
  for byte in contents {
    switch byte {
    case UInt8(ascii: "$"), UInt8(ascii: "#"), UInt8(ascii: "}"), UInt8(ascii: "*"):
      bytes.append(UInt8(ascii: "}"))
      bytes.append(byte ^ 0x20)
      sum &+= UInt8(ascii: "}") &+ (byte ^ 0x20)
    default:
      bytes.append(byte)
      sum &+= byte
    }
  }
  bytes.append(UInt8(ascii: "#"))
  appendHex(sum, to: &bytes)
  return bytes
}

/// The packet with this text, as it is sent.
public func encodedPacket(_ text: String) -> [UInt8] { encodedPacket(Array(text.utf8)) }
