import Bytes

/// Some of the bits of a value that is in hand: a member, an element, a bit field.
struct ValueSlice {
  /// The whole value's bits, shared by all its slices.
  let whole: AssembledBits
  /// From `whole`'s first bit. May lie beyond its end if the debug information is damaged; such
  /// bits count as missing.
  let bitOffset: UInt64
  /// Where the slice is in memory, if it is there.
  let address: VirtualAddress?

  init(_ whole: AssembledBits, bitOffset: UInt64 = 0, address: VirtualAddress? = nil) {
    self.whole = whole
    self.bitOffset = bitOffset
    self.address = address
  }

  /// The slice that begins `bits` further; nil if that is no place at all.
  func advanced(byBits bits: UInt64) -> ValueSlice? {
    let (start, overflow) = bitOffset.addingReportingOverflow(bits)
    guard !overflow else { return nil }
    return ValueSlice(whole, bitOffset: start, address: address.map { $0 &+ bits / 8 })
  }

  /// The first `bitCount` bits as a range of `whole`; nil if they don't lie within it.
  private func range(_ bitCount: UInt64) -> Range<UInt64>? {
    let (end, overflow) = bitOffset.addingReportingOverflow(bitCount)
    guard !overflow, end <= UInt64(whole.bytes.count) * 8 else { return nil }
    return bitOffset..<end
  }

  /// Why some of the first `bitCount` bits are missing: the first gap's reason, nil if all are
  /// known.
  func missing(_ bitCount: UInt64) -> MissingReason? {
    guard let range = range(bitCount) else { return .optimizedOut }
    return whole.gaps(in: range).first?.reason
  }

  /// Why none of the first `bitCount` bits is known; nil if some are, or if there are none at all.
  func entirelyMissing(_ bitCount: UInt64) -> MissingReason? {
    guard bitCount > 0 else { return nil }
    guard let range = range(bitCount) else { return .optimizedOut }
    let gaps = whole.gaps(in: range)
    guard let first = gaps.first else { return nil }
    var covered = range.lowerBound
    for gap in gaps {
      guard gap.bits.lowerBound <= covered else { return nil }
      covered = gap.bits.upperBound
    }
    return covered >= range.upperBound ? first.reason : nil
  }

  /// The number in the first `bitCount` bits, at most 128; nil if some lie outside the value.
  func unsigned(_ bitCount: UInt64) -> UInt128? {
    guard bitCount <= 128, let range = range(bitCount) else { return nil }
    var result: UInt128 = 0
    var place: UInt64 = 0
    var bit = range.lowerBound
    while bit < range.upperBound {
      let within = bit % 8
      let taken = min(8 - within, range.upperBound - bit)
      let bits = (whole.bytes[Int(bit / 8)] >> UInt8(within)) & UInt8((1 << taken) - 1)
      result |= UInt128(bits) << UInt128(place)
      place += taken
      bit += taken
    }
    return result
  }

  /// The two's complement number in the first `bitCount` bits, 1 to 128.
  func signed(_ bitCount: UInt64) -> Int128? {
    guard bitCount > 0, let bits = unsigned(bitCount) else { return nil }
    let shift = Int128(128 - bitCount)
    return (Int128(truncatingIfNeeded: bits) << shift) >> shift
  }

  /// The first `count` bytes. The slice must begin at a byte; nil if it doesn't or if they aren't
  /// all there.
  func bytes(_ count: UInt64) -> ArraySlice<UInt8>? {
    guard bitOffset % 8 == 0, count <= UInt64.max / 8, let range = range(count * 8) else {
      return nil
    }
    return whole.bytes[Int(range.lowerBound / 8)..<Int(range.upperBound / 8)]
  }

  /// Whether the first `count` bytes here and in `other`, another slice of the same value, are the
  /// same: equal bytes, missing in the same places.
  func equals(_ other: ValueSlice, bytes count: UInt64) -> Bool {
    guard let mine = bytes(count), let theirs = other.bytes(count) else { return false }
    guard mine == theirs else { return false }
    if whole.gaps.isEmpty, other.whole.gaps.isEmpty { return true }
    return gapPattern(count) == other.gapPattern(count)
  }

  private func gapPattern(_ count: UInt64) -> [AssembledBits.Gap] {
    guard let range = range(count * 8) else { return [] }
    return whole.gaps(in: range).map { gap in
      let clamped = gap.bits.clamped(to: range)
      return AssembledBits.Gap(
        bits: clamped.lowerBound - bitOffset..<clamped.upperBound - bitOffset, reason: gap.reason)
    }
  }
}
