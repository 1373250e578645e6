/// The value of a hexadecimal digit; nil if `byte` is none.
func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// Appends two digits.
func appendHex(_ byte: UInt8, to text: inout [UInt8]) {
  for digit in [byte >> 4, byte & 15] {
    text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }
}

/// Two digits for each byte.
func hexText(_ bytes: some Collection<UInt8>) -> [UInt8] {
  var text: [UInt8] = []
  text.reserveCapacity(2 * bytes.count)
  for byte in bytes { appendHex(byte, to: &text) }
  return text
}

/// Two digits for each byte of the text.
public func hexText(_ text: String) -> String {
  String(decoding: hexText(text.utf8), as: UTF8.self)
}

/// The bytes that `text` holds as two digits each; nil if that isn't what it is.
public func hexBytes(_ text: some Collection<UInt8>) -> [UInt8]? {
  guard text.count.isMultiple(of: 2) else { return nil }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.count / 2)
  var high: UInt8?
  for digit in text {
    guard let value = hexDigit(digit) else { return nil }
    if let first = high {
      bytes.append(first << 4 | value)
      high = nil
    } else {
      high = value
    }
  }
  return bytes
}

/// Lower-case digits without padding.
func hex(_ value: some BinaryInteger) -> String { String(value, radix: 16) }
