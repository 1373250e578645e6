public import Bytes

/// Finds `kallsyms` in a kernel's image by its shape, where nothing tells where the tables are.
///
/// Digits are so frequent in names that nearly each stays a token of its own, at the index of its
/// ASCII code; so `0 NUL 1 NUL 2 NUL …` stands in the middle of `token_table`. All else follows from
/// there. The tables come in one of these orders (scripts/kallsyms.c, `write_src`):
///
///     up to 6.1    offsets relative_base num_syms names markers token_table token_index
///     6.2, 6.3     offsets relative_base num_syms names markers seqs token_table token_index
///     since 6.4    num_syms names markers token_table token_index offsets relative_base seqs
///
/// Without a base, `offsets` is `addresses`, or in newer kernels (7.2 for one) the distances from
/// themselves; each table then begins at a multiple of 4 bytes, and of 8 in all kernels before.
public struct KallsymsShape: Sendable {
  /// A part of the image that holds all tables.
  private let image: ByteView
  /// Where `image` lies in the kernel's memory.
  private let address: UInt64

  /// `address`, a multiple of 8, is where `image` lies in the kernel's memory. Where that isn't
  /// known, symbols whose addresses are stored as distances from themselves come out as far off as
  /// it is; others don't depend on it.
  public init(_ image: ByteView, address: UInt64) {
    self.image = image
    self.address = address
  }

  /// Shows where `0 NUL 1 NUL … 7 NUL` may stand: `body` gets the offset of each word, at a multiple
  /// of 8 bytes of `view`, that is four of those digits, and how many bytes before it the 0 is. It
  /// may be called several times for one place.
  public static func forEachHint(in view: ByteView, _ body: (UInt64, _ back: UInt64) -> Void) {
    let count = UInt64(view.count) & ~7
    var offset: UInt64 = 0
    do throws(ByteError) {
      while offset < count {
        let word = try view.load(UInt64.self, at: offset)
        if let digit = firstDigit(of: word) { body(offset, digit) }
        offset += 8
      }
    } catch {
      // Not reached: `count` is the view's.
      return
    }
  }

  /// How many bytes after the `0` this word stands, if it is four digits that follow each other,
  /// with NULs between.
  @inline(__always)
  private static func firstDigit(of word: UInt64) -> UInt64? {
    if word & 0xfff0_fff0_fff0_fff0 == 0x0030_0030_0030_0030 {
      let first = word & 0xf
      return word == 0x0033_0032_0031_0030 &+ first &* 0x0001_0001_0001_0001 && first <= 3
        ? 2 * first : nil
    }
    if word & 0xf0ff_f0ff_f0ff_f0ff == 0x3000_3000_3000_3000 {
      let first = word >> 8 & 0xf
      return word == 0x3300_3200_3100_3000 &+ first &* 0x0100_0100_0100_0100
        && (1...4).contains(first) ? 2 * first - 1 : nil
    }
    return nil
  }

  /// The tables around the hint at `offset` of the image; nil if there are none. They decode to
  /// symbols in ascending order.
  public func tables(at offset: UInt64) -> KallsymsTables? {
    for alignment in Self.alignments {
      do throws(ByteError) {
        if let tables = try tables(at: offset, alignment) { return tables }
      } catch {
        // The image ends before the tables do.
        continue
      }
    }
    return nil
  }

  private func tables(
    at offset: UInt64, _ alignment: UInt64
  ) throws(ByteError) -> KallsymsTables? {
    guard let tokens = try TokenPlace(image, digits: offset, alignment),
      let markers = try MarkerPlace(image, before: tokens.table.lowerBound, alignment),
      let names = try NamePlace(image, before: markers, alignment)
    else { return nil }
    let search = AddressSearch(
      image: image, address: address, count: names.count, before: names.countOffset,
      after: Self.aligned(tokens.index.upperBound, alignment))
    guard let addresses = try search.find() else { return nil }
    return KallsymsTables(
      count: names.count,
      names: image.clampedSubview(at: names.start, count: markers.start - names.start),
      tokenTable: image.clampedSubview(
        at: tokens.table.lowerBound, count: tokens.index.lowerBound - tokens.table.lowerBound),
      tokenIndex: image.clampedSubview(at: tokens.index.lowerBound, count: 512),
      addresses: addresses)
  }

  /// Whether a table of tokens, with its index behind it, lies around the hint at `offset` of
  /// `view`, which begins at a multiple of 8 bytes in the kernel's memory.
  public static func isTokenTable(_ view: ByteView, at offset: UInt64) -> Bool {
    alignments.contains { alignment in
      do throws(ByteError) {
        return try TokenPlace(view, digits: offset, alignment) != nil
      } catch {
        // The view ends before the table does.
        return false
      }
    }
  }

  /// What tables' places are multiples of, in bytes.
  private static let alignments: [UInt64] = [8, 4]

  /// How far around a hint a table of tokens with its index reaches at most.
  public static let tokenReach: UInt64 = 2 * TokenPlace.limit

  static func aligned(_ offset: UInt64, _ alignment: UInt64 = 8) -> UInt64 {
    (offset + alignment - 1) & ~(alignment - 1)
  }
}

/// `token_table` and `token_index`, as offsets.
private struct TokenPlace {
  let table: Range<UInt64>
  let index: Range<UInt64>

  /// More than the largest table: `token_index` has 16 bits.
  static let limit: UInt64 = 1 << 16

  init?(_ image: ByteView, digits: UInt64, _ alignment: UInt64) throws(ByteError) {
    // The tokens from "0" on, to find where the index begins.
    var offsets: [UInt64] = []
    let zero = 0x30
    let rest = image.clampedSubview(at: digits, count: Self.limit)
    let bytes = rest.bytes
    var next = 0
    for _ in zero..<KallsymsTokens.count {
      offsets.append(UInt64(next))
      while next < bytes.byteCount, bytes[next] != 0 { next += 1 }
      guard next < bytes.byteCount else { return nil }
      next += 1
    }
    let start = KallsymsShape.aligned(digits + UInt64(next), alignment)
    index = start..<start + 512
    let distance = UInt64(try image.load(UInt16.self, at: start + UInt64(zero) * 2))
    guard distance <= digits, (digits - distance) & (alignment - 1) == 0 else { return nil }
    table = (digits - distance)..<digits + UInt64(next)
    for (token, offset) in offsets.enumerated() {
      let stored = try image.load(UInt16.self, at: start + UInt64(zero + token) * 2)
      guard UInt64(stored) == distance + offset else { return nil }
    }
    guard try Self.isOrdered(image, table: table.lowerBound, index: start) else { return nil }
  }

  /// Whether the tokens before "0" follow each other, each with its NUL in front of the next.
  private static func isOrdered(
    _ image: ByteView, table: UInt64, index: UInt64
  ) throws(ByteError) -> Bool {
    guard try image.load(UInt16.self, at: index) == 0 else { return false }
    var last: UInt64 = 0
    for token in 1...UInt64(0x30) {
      let offset = UInt64(try image.load(UInt16.self, at: index + token * 2))
      guard offset > last, try image.load(UInt8.self, at: table + offset - 1) == 0 else {
        return false
      }
      last = offset
    }
    return true
  }
}

/// `markers`, as an offset.
private struct MarkerPlace {
  let start: UInt64
  /// How many there are.
  let count: Int
  let second: UInt64
  let last: UInt64

  /// How far before `token_table` they may begin: `seqs` may lie between, three bytes a symbol.
  private static let reach = UInt64(KallsymsTables.countLimit) * 4
  /// Each marker stands for as many symbols, whose names take two bytes at least.
  static let stride: UInt64 = 256
  private static let steps: ClosedRange<UInt64> = 2 * stride...512 * stride
  /// Fewer are no proof.
  private static let minimum = 4

  init?(_ image: ByteView, before end: UInt64, _ alignment: UInt64) throws(ByteError) {
    let lowest = end - min(end, Self.reach)
    var start = end & ~(alignment - 1)
    while start >= lowest + alignment {
      start -= alignment
      guard try image.load(UInt32.self, at: start) == 0 else { continue }
      let values = try Self.ascending(image, from: start, to: end)
      guard values.count >= Self.minimum, let last = values.last else { continue }
      self.start = start
      count = values.count
      second = values[1]
      self.last = last
      return
    }
    return nil
  }

  /// The numbers from `start` on that grow as markers do.
  private static func ascending(
    _ image: ByteView, from start: UInt64, to end: UInt64
  ) throws(ByteError) -> [UInt64] {
    var values: [UInt64] = [0]
    var next = start + 4
    while next + 4 <= end {
      let value = UInt64(try image.load(UInt32.self, at: next))
      guard let last = values.last, value > last, steps.contains(value - last) else { break }
      values.append(value)
      next += 4
    }
    return values
  }
}

/// `num_syms` and `names`, as offsets.
private struct NamePlace {
  let countOffset: UInt64
  let count: Int
  let start: UInt64

  init?(
    _ image: ByteView, before markers: MarkerPlace, _ alignment: UInt64
  ) throws(ByteError) {
    // From the last marker on there are up to 256 names more.
    let longest = markers.last + MarkerPlace.stride * 512 + 16
    let lowest = markers.start - min(markers.start, longest)
    guard markers.start >= markers.last + alignment else { return nil }
    let most = UInt64(markers.count) * MarkerPlace.stride
    // The names begin at `start`, with their number in front.
    var start = (markers.start - markers.last) & ~(alignment - 1)
    while start >= max(lowest, alignment) {
      let offset = start - alignment
      let stored =
        alignment == 8
        ? try image.load(UInt64.self, at: offset) : UInt64(try image.load(UInt32.self, at: offset))
      if stored <= most, stored > most - MarkerPlace.stride,
        Self.reachesMarkers(image, from: start, count: Int(stored), markers, alignment)
      {
        countOffset = offset
        count = Int(stored)
        self.start = start
        return
      }
      start -= alignment
    }
    return nil
  }

  /// Whether the 257th name begins where the second marker says, and the names after the last marker
  /// end where the markers begin.
  private static func reachesMarkers(
    _ image: ByteView, from start: UInt64, count: Int, _ markers: MarkerPlace,
    _ alignment: UInt64
  ) -> Bool {
    let bytes = image.clampedSubview(at: start, count: markers.start - start).bytes
    func end(of count: Int, from first: UInt64) -> UInt64? {
      var next = Int(first)
      for _ in 0..<count {
        guard let range = KallsymsNames.tokenRange(at: next, in: bytes) else { return nil }
        next = range.upperBound
      }
      return UInt64(next)
    }
    guard end(of: Int(MarkerPlace.stride), from: 0) == markers.second else { return false }
    let rest = count - (markers.count - 1) * Int(MarkerPlace.stride)
    guard let last = end(of: rest, from: markers.last) else { return false }
    return KallsymsShape.aligned(start + last, alignment) == markers.start
  }
}

/// Which of the ways to store addresses fits what lies before and after the other tables.
private struct AddressSearch {
  let image: ByteView
  let address: UInt64
  let count: Int
  /// Where `num_syms` is.
  let before: UInt64
  /// Behind `token_index`.
  let after: UInt64

  func find() throws(ByteError) -> KallsymsAddresses? {
    let narrow = UInt64(count) * 4
    let wide = UInt64(count) * 8
    var candidates: [KallsymsAddresses] = []
    // Since 6.4.
    if let base = base(at: KallsymsShape.aligned(after + narrow)) {
      candidates += relative(at: after, base: base)
    }
    // Before.
    if before >= 8, let base = base(at: before - 8),
      let start = (before - 8).subtracting(KallsymsShape.aligned(narrow))
    {
      candidates += relative(at: start, base: base)
    }
    candidates.append(.absolute(image.clampedSubview(at: after, count: wide)))
    if let start = before.subtracting(wide) {
      candidates.append(.absolute(image.clampedSubview(at: start, count: wide)))
    }
    candidates.append(
      .placeRelative(
        image.clampedSubview(at: after, count: narrow), address: address &+ after))
    return KallsymsAddresses.fitting(candidates, count: count)
  }

  private func base(at offset: UInt64) -> UInt64? {
    do throws(ByteError) {
      let base = try image.load(UInt64.self, at: offset)
      return base >= KallsymsAddresses.lowestBase ? base : nil
    } catch {
      return nil
    }
  }

  private func relative(at offset: UInt64, base: UInt64) -> [KallsymsAddresses] {
    let view = image.clampedSubview(at: offset, count: UInt64(count) * 4)
    return [.absolutePerCPU(view, base: base), .relative(view, base: base)]
  }
}

extension UInt64 {
  /// The difference, or nil if it were negative.
  fileprivate func subtracting(_ other: UInt64) -> UInt64? { self >= other ? self - other : nil }
}
