/// Puts little-endian numbers one after another.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ number: some FixedWidthInteger) {
    var rest = number
    for _ in 0..<(number.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func append(contentsOf more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// Appends `text` cut to `count - 1` bytes and filled up with NULs to `count`.
  mutating func append(_ text: String, paddedTo count: Int) {
    let kept = text.utf8.prefix(count - 1)
    bytes.append(contentsOf: kept)
    bytes.append(contentsOf: repeatElement(0, count: count - kept.count))
  }

  /// Appends zeros up to the next multiple of `alignment`.
  mutating func pad(to alignment: Int) {
    while !bytes.count.isMultiple(of: alignment) { bytes.append(0) }
  }
}
