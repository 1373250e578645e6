/// Puts a value together from pieces, in order, up to its size.
struct BitAssembly {
  private(set) var bits: AssembledBits
  /// How many bits are in place.
  private var filled: UInt64 = 0
  private let size: UInt64

  /// A value of `byteCount` bytes.
  init(byteCount: Int) {
    bits = AssembledBits([UInt8](repeating: 0, count: byteCount))
    size = UInt64(byteCount) * 8
  }

  /// How many bits are still wanted.
  var remaining: UInt64 { size - filled }

  /// Appends `count` bits of `bytes` from bit `offset` on, as far as there is room; bits that
  /// `bytes` doesn't have are missing.
  mutating func append(_ bytes: [UInt8], from offset: UInt64, count: UInt64) {
    let wanted = min(count, remaining)
    let available = UInt64(bytes.count) * 8
    let present = offset < available ? min(wanted, available - offset) : 0
    if offset % 8 == 0, filled % 8 == 0, present % 8 == 0 {
      let source = bytes[Int(offset / 8)..<Int((offset + present) / 8)]
      bits.replaceBytes(at: Int(filled / 8), with: source)
    } else {
      for index in 0..<present {
        let bit = offset + index
        if bytes[Int(bit / 8)] >> UInt8(bit % 8) & 1 == 1 { bits.setBit(Int(filled + index)) }
      }
    }
    filled += present
    appendMissing(wanted - present, .optimizedOut)
  }

  /// Appends what there is of `source` from byte `start` on, gaps included.
  mutating func append(_ source: AssembledBits, fromByte start: UInt64) {
    let total = UInt64(source.bytes.count)
    guard start < total else { return }
    var position = start * 8
    let end = min(total * 8, position + remaining)
    for gap in source.gaps(in: position..<end) {
      let range = gap.bits.clamped(to: position..<end)
      append(source.bytes, from: position, count: range.lowerBound - position)
      appendMissing(range.upperBound - range.lowerBound, gap.reason)
      position = range.upperBound
    }
    append(source.bytes, from: position, count: end - position)
  }

  /// Appends `count` missing bits, as far as there is room.
  mutating func appendMissing(_ count: UInt64, _ reason: MissingReason) {
    let taken = min(count, remaining)
    bits.markMissing(filled..<filled + taken, reason)
    filled += taken
  }

  /// The value; what no piece covered is missing.
  consuming func finish() -> AssembledBits {
    appendMissing(remaining, .optimizedOut)
    return bits
  }
}
